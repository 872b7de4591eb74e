// Text in columns.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace hewn::app {

enum class Align { left, right };

/// Rows of cells, each column as wide as its widest cell.
class Table {
 public:
  explicit Table(std::vector<Align> columns) : columns_(std::move(columns)) {}
  /// Missing cells are empty; there may not be more than columns.
  void add_row(std::vector<std::string> cells);
  void print(std::ostream& out) const;

 private:
  std::vector<Align> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace hewn::app
