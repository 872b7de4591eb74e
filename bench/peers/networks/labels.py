"""What a picture may show: labels as people ask for them, of one word to four."""

_NAMES = """
airplane, ambulance, anchor, apple, armchair, artichoke, backpack, bald eagle, banana, barn owl,
basketball, bathtub, beach, bicycle, black bear, bookshelf, border collie, bottle of wine, bridge,
broccoli, bulldozer, butterfly, cactus, camel, campfire, candle, canoe, castle, cathedral,
cheeseburger, chess board, chimpanzee, circuit board, clock tower, coffee mug, container ship,
corn field, crab, cricket bat, crocodile, desert, dragonfly, drum kit, dump truck, electric guitar,
elephant, envelope, espresso machine, ferris wheel, fire engine, fishing boat, flamingo, forest,
fountain pen, freight train, frying pan, giraffe, glacier, golden retriever, grand piano,
grasshopper, great white shark, greenhouse, hair dryer, hammer, harbor, hedgehog, helicopter,
hot air balloon, hummingbird, ice cream cone, iguana, jack-o'-lantern, jellyfish, kangaroo,
kettle, keyboard, kite, koala, ladybug, lampshade, lawn mower, lemon, leopard, lighthouse,
lobster, maple tree, market stall, microphone, motorcycle, mountain lake, mushroom, night sky,
oil painting, orangutan, ostrich, paintbrush, parking meter, peacock, persian cat, pineapple,
police car, polar bear, pomegranate, printer, railway station, rainbow, red fox, rice terrace,
roller coaster, rowing boat, sailing ship, salamander, saxophone, school bus, screwdriver,
sea lion, shopping cart, ski slope, snow leopard, soccer ball, space shuttle, spider web,
stained glass window, stethoscope, strawberry, suspension bridge, swimming pool, tabby cat,
teapot, telescope, tennis court, toaster, tractor, traffic light, tree frog, trumpet, umbrella,
vacuum cleaner, violin, volcano, walrus, washing machine, waterfall, wedding cake, wheelbarrow,
wind turbine, wolf, wooden spoon, zebra crossing
"""

_KINDS = ("small", "old", "new", "red", "wet", "broken", "painted")

_PLAIN = [" ".join(name.split()) for name in _NAMES.split(",")]

LABELS = [*_PLAIN, *(f"{kind} {name}" for kind in _KINDS for name in _PLAIN)]
