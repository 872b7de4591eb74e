#include "app/output/progress_bar.h"

#include <iostream>
#include <unistd.h>

namespace hewn::app {

namespace {

constexpr std::int64_t kWidth = 30;
constexpr const char* kClearLine = "\r\x1b[K";

}  // namespace

ProgressBar::ProgressBar(std::int64_t total, bool wanted)
    : total_(total), visible_(wanted && total > 1 && ::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
  if (visible_) std::cerr << kClearLine << std::flush;
}

void ProgressBar::show(std::int64_t done, const std::string& label) const {
  if (!visible_) return;
  const std::int64_t filled = kWidth * done / total_;
  std::string bar;
  for (std::int64_t i = 0; i < kWidth; ++i) bar += i < filled ? "█" : "░";
  std::cerr << kClearLine << bar << ' ' << done << '/' << total_ << ' ' << label << std::flush;
}

}  // namespace hewn::app
