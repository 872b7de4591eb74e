// The picture that `classify` draws.
#pragma once

#include "hewn/runtime/context.h"
#include "hewn/runtime/pictures/image.h"
#include "hewn/runtime/tensor.h"

#include <string>
#include <vector>

namespace hewn::app {

struct Answer {
  std::string label;
  float probability = 0;
};

struct AnsweredPicture {
  std::string name;
  Tensor picture;               ///< as thumbnail() makes it
  std::vector<Answer> answers;  ///< best first
};

/// A picture as large as a sheet has room for, {1, h, w, 3} in [0, 1]: what to keep of it until the
/// sheet is drawn. Throws Error when the image has no pixel or its fields do not agree.
Tensor thumbnail(const Image& picture, Context& ctx);

/// A sheet with a card for each picture: the picture, its name, and its eight best answers with
/// bars as long as they are probable. Four cards stand in one column; more are set row by row in
/// two to four. A sheet has forty cards, and below them says how many pictures were left out, so
/// its size has a bound: 14 million pixels. Text that is too long is cut, and what is not ASCII
/// becomes a question mark. Throws Error when a picture is larger than thumbnail() makes one.
Image draw_answers(const std::vector<AnsweredPicture>& pictures);

}  // namespace hewn::app
