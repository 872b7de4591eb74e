"""The public RAFT checkpoints' names and shapes, written out independently of the network."""

from weights_tools.tests.support.checkpoint_lists import Shapes, written_out

# Each line is a convolution, with a weight of this shape and a bias, or behind a `+` a batch norm.
LARGE = """
fnet.conv1 64x3x7x7
fnet.layer1.0.conv1 64x64x3x3
fnet.layer1.0.conv2 64x64x3x3
fnet.layer1.1.conv1 64x64x3x3
fnet.layer1.1.conv2 64x64x3x3
fnet.layer2.0.conv1 96x64x3x3
fnet.layer2.0.conv2 96x96x3x3
fnet.layer2.0.downsample.0 96x64x1x1
fnet.layer2.1.conv1 96x96x3x3
fnet.layer2.1.conv2 96x96x3x3
fnet.layer3.0.conv1 128x96x3x3
fnet.layer3.0.conv2 128x128x3x3
fnet.layer3.0.downsample.0 128x96x1x1
fnet.layer3.1.conv1 128x128x3x3
fnet.layer3.1.conv2 128x128x3x3
fnet.conv2 256x128x1x1
+ cnet.norm1 64
cnet.conv1 64x3x7x7
cnet.layer1.0.conv1 64x64x3x3
cnet.layer1.0.conv2 64x64x3x3
+ cnet.layer1.0.norm1 64
+ cnet.layer1.0.norm2 64
cnet.layer1.1.conv1 64x64x3x3
cnet.layer1.1.conv2 64x64x3x3
+ cnet.layer1.1.norm1 64
+ cnet.layer1.1.norm2 64
cnet.layer2.0.conv1 96x64x3x3
cnet.layer2.0.conv2 96x96x3x3
+ cnet.layer2.0.norm1 96
+ cnet.layer2.0.norm2 96
+ cnet.layer2.0.norm3 96
cnet.layer2.0.downsample.0 96x64x1x1
+ cnet.layer2.0.downsample.1 96
cnet.layer2.1.conv1 96x96x3x3
cnet.layer2.1.conv2 96x96x3x3
+ cnet.layer2.1.norm1 96
+ cnet.layer2.1.norm2 96
cnet.layer3.0.conv1 128x96x3x3
cnet.layer3.0.conv2 128x128x3x3
+ cnet.layer3.0.norm1 128
+ cnet.layer3.0.norm2 128
+ cnet.layer3.0.norm3 128
cnet.layer3.0.downsample.0 128x96x1x1
+ cnet.layer3.0.downsample.1 128
cnet.layer3.1.conv1 128x128x3x3
cnet.layer3.1.conv2 128x128x3x3
+ cnet.layer3.1.norm1 128
+ cnet.layer3.1.norm2 128
cnet.conv2 256x128x1x1
update_block.encoder.convc1 256x324x1x1
update_block.encoder.convc2 192x256x3x3
update_block.encoder.convf1 128x2x7x7
update_block.encoder.convf2 64x128x3x3
update_block.encoder.conv 126x256x3x3
update_block.gru.convz1 128x384x1x5
update_block.gru.convr1 128x384x1x5
update_block.gru.convq1 128x384x1x5
update_block.gru.convz2 128x384x5x1
update_block.gru.convr2 128x384x5x1
update_block.gru.convq2 128x384x5x1
update_block.flow_head.conv1 256x128x3x3
update_block.flow_head.conv2 2x256x3x3
update_block.mask.0 256x128x3x3
update_block.mask.2 576x256x1x1
"""

SMALL = """
fnet.conv1 32x3x7x7
fnet.layer1.0.conv1 8x32x1x1
fnet.layer1.0.conv2 8x8x3x3
fnet.layer1.0.conv3 32x8x1x1
fnet.layer1.1.conv1 8x32x1x1
fnet.layer1.1.conv2 8x8x3x3
fnet.layer1.1.conv3 32x8x1x1
fnet.layer2.0.conv1 16x32x1x1
fnet.layer2.0.conv2 16x16x3x3
fnet.layer2.0.conv3 64x16x1x1
fnet.layer2.0.downsample.0 64x32x1x1
fnet.layer2.1.conv1 16x64x1x1
fnet.layer2.1.conv2 16x16x3x3
fnet.layer2.1.conv3 64x16x1x1
fnet.layer3.0.conv1 24x64x1x1
fnet.layer3.0.conv2 24x24x3x3
fnet.layer3.0.conv3 96x24x1x1
fnet.layer3.0.downsample.0 96x64x1x1
fnet.layer3.1.conv1 24x96x1x1
fnet.layer3.1.conv2 24x24x3x3
fnet.layer3.1.conv3 96x24x1x1
fnet.conv2 128x96x1x1
cnet.conv1 32x3x7x7
cnet.layer1.0.conv1 8x32x1x1
cnet.layer1.0.conv2 8x8x3x3
cnet.layer1.0.conv3 32x8x1x1
cnet.layer1.1.conv1 8x32x1x1
cnet.layer1.1.conv2 8x8x3x3
cnet.layer1.1.conv3 32x8x1x1
cnet.layer2.0.conv1 16x32x1x1
cnet.layer2.0.conv2 16x16x3x3
cnet.layer2.0.conv3 64x16x1x1
cnet.layer2.0.downsample.0 64x32x1x1
cnet.layer2.1.conv1 16x64x1x1
cnet.layer2.1.conv2 16x16x3x3
cnet.layer2.1.conv3 64x16x1x1
cnet.layer3.0.conv1 24x64x1x1
cnet.layer3.0.conv2 24x24x3x3
cnet.layer3.0.conv3 96x24x1x1
cnet.layer3.0.downsample.0 96x64x1x1
cnet.layer3.1.conv1 24x96x1x1
cnet.layer3.1.conv2 24x24x3x3
cnet.layer3.1.conv3 96x24x1x1
cnet.conv2 160x96x1x1
update_block.encoder.convc1 96x196x1x1
update_block.encoder.convf1 64x2x7x7
update_block.encoder.convf2 32x64x3x3
update_block.encoder.conv 80x128x3x3
update_block.gru.convz 96x242x3x3
update_block.gru.convr 96x242x3x3
update_block.gru.convq 96x242x3x3
update_block.flow_head.conv1 128x96x3x3
update_block.flow_head.conv2 2x128x3x3
"""

PUBLIC = {"large": LARGE, "small": SMALL}


def public_shapes(variant: str) -> Shapes:
    """Each tensor's type and shape by its name, without `module.`."""
    return written_out(PUBLIC[variant])
