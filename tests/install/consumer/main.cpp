// A convolution of ones by ones: inside the picture, every output counts the nine taps. And the
// library says of itself what its package does.
#include <iostream>
#include <vector>

#include <hewn/ops/conv2d/conv2d.h>
#include <hewn/runtime/error.h>
#include <hewn/runtime/version.h>

int main() {
  try {
    const std::vector<float> ones(9, 1.0F);
    const hewn::PackedConv2d conv("ones", {.padding_h = 1, .padding_w = 1},
                                  {.shape = {1, 1, 3, 3}, .weight = ones});
    hewn::Tensor x({1, 4, 5, 1});
    hewn::fill(x.view(), 1);
    hewn::Tensor y(conv.output_shape(x.shape()));
    hewn::Context ctx;
    hewn::conv2d(x.view(), conv, y.view(), ctx);
    std::cout << "corner " << y.view().pixel(0, 0, 0)[0] << ", inside "
              << y.view().pixel(0, 1, 1)[0] << "\n";
    return hewn::version() == PACKAGE_VERSION ? 0 : 1;
  } catch (const hewn::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
