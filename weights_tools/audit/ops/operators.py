"""The table of all operators of the audit."""

from weights_tools.audit.ops.attention import ATTENTION
from weights_tools.audit.ops.case import Operator
from weights_tools.audit.ops.channels import CHANNELS
from weights_tools.audit.ops.convolution import CONVOLUTION
from weights_tools.audit.ops.correlation import CORRELATION
from weights_tools.audit.ops.elementwise import ELEMENTWISE
from weights_tools.audit.ops.normalization import NORMALIZATION
from weights_tools.audit.ops.pooling import POOLING
from weights_tools.audit.ops.products import PRODUCTS
from weights_tools.audit.ops.recurrence import RECURRENCE
from weights_tools.audit.ops.sampling import SAMPLING
from weights_tools.audit.ops.selection import SELECTION
from weights_tools.audit.ops.transposed_convolution import TRANSPOSED_CONVOLUTION
from weights_tools.audit.ops.upsampling import UPSAMPLING

OPERATORS: dict[str, Operator] = {
    **CONVOLUTION,
    **TRANSPOSED_CONVOLUTION,
    **POOLING,
    **CHANNELS,
    **NORMALIZATION,
    **PRODUCTS,
    **ATTENTION,
    **ELEMENTWISE,
    **SAMPLING,
    **SELECTION,
    **RECURRENCE,
    **CORRELATION,
    **UPSAMPLING,
}
