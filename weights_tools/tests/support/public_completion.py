"""The public names and shapes of image completion, written out independently of the converter."""

# Each line is a layer, with a weight of this shape and a bias, or behind a `+` a batch norm; a `~`
# is in front of the transposed convolutions.
NETWORK = """
conv1 64x4x5x5
+ bn1 64
conv2 128x64x3x3
+ bn2 128
conv3 128x128x3x3
+ bn3 128
conv4 256x128x3x3
+ bn4 256
conv5 256x256x3x3
+ bn5 256
conv6 256x256x3x3
+ bn6 256
conv7 256x256x3x3
+ bn7 256
conv8 256x256x3x3
+ bn8 256
conv9 256x256x3x3
+ bn9 256
conv10 256x256x3x3
+ bn10 256
conv11 256x256x3x3
+ bn11 256
conv12 256x256x3x3
+ bn12 256
~ deconv13 256x128x4x4
+ bn13 128
conv14 128x128x3x3
+ bn14 128
~ deconv15 128x64x4x4
+ bn15 64
conv16 32x64x3x3
+ bn16 32
conv17 3x32x3x3
"""

DISCRIMINATORS = """
model_ld.conv1 64x3x5x5
+ model_ld.bn1 64
model_ld.conv2 128x64x5x5
+ model_ld.bn2 128
model_ld.conv3 256x128x5x5
+ model_ld.bn3 256
model_ld.conv4 512x256x5x5
+ model_ld.bn4 512
model_ld.conv5 512x512x5x5
+ model_ld.bn5 512
model_ld.linear6 1024x8192
model_gd.conv1 64x3x5x5
+ model_gd.bn1 64
model_gd.conv2 128x64x5x5
+ model_gd.bn2 128
model_gd.conv3 256x128x5x5
+ model_gd.bn3 256
model_gd.conv4 512x256x5x5
+ model_gd.bn4 512
model_gd.conv5 512x512x5x5
+ model_gd.bn5 512
model_gd.conv6 512x512x5x5
+ model_gd.bn6 512
model_gd.linear7 1024x8192
linear1 1x2048
"""
