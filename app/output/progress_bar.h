// A bar on the terminal for what takes long.
#pragma once

#include <cstdint>
#include <string>

namespace hewn::app {

/// Draws itself on standard error when that is a terminal; silent otherwise. Gone when destroyed.
class ProgressBar {
 public:
  ProgressBar(std::int64_t total, bool wanted);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// Shows that `done` of the total are, and what is being worked on.
  void show(std::int64_t done, const std::string& label) const;

 private:
  std::int64_t total_;
  bool visible_;
};

}  // namespace hewn::app
