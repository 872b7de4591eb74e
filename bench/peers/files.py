"""Names of the files in a race's folder, through which its processes speak."""

INPUTS = "inputs.npz"
ONNX = "model.onnx"
TORCH = "model.pt"
TORCHSCRIPT = "model.torchscript"
NCNN_PARAM = "model.ncnn.param"
NCNN_BIN = "model.ncnn.bin"
