"""The table of all operators of the audit."""

from weights_tools.audit.ops.case import Operator
from weights_tools.audit.ops.channels import CHANNELS
from weights_tools.audit.ops.convolution import CONVOLUTION
from weights_tools.audit.ops.elementwise import ELEMENTWISE
from weights_tools.audit.ops.pooling import POOLING
from weights_tools.audit.ops.products import PRODUCTS
from weights_tools.audit.ops.sampling import SAMPLING
from weights_tools.audit.ops.selection import SELECTION
from weights_tools.audit.ops.transposed_convolution import TRANSPOSED_CONVOLUTION

OPERATORS: dict[str, Operator] = {
    **CONVOLUTION,
    **TRANSPOSED_CONVOLUTION,
    **POOLING,
    **CHANNELS,
    **PRODUCTS,
    **ELEMENTWISE,
    **SAMPLING,
    **SELECTION,
}
