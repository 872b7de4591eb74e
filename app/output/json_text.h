// JSON as people like to read it.
#pragma once

#include "app/output/output_files.h"
#include <nlohmann/json.hpp>

namespace hewn::app {

using Json = nlohmann::ordered_json;

/// The number whose shortest decimal form is that of the float: 0.1F is written as 0.1 and not as
/// 0.10000000149011612, and reads back as the same float.
double shortest(float value);

/// Indented, with innermost lists and objects on one line each: a keypoint or a row of a matrix a
/// line. Bytes that are no UTF-8 (file names may hold any) are replaced.
std::string to_text(const Json& json);

/// The same on one line.
std::string to_line(const Json& json);

/// Whether JSON goes to standard output, which is then left to it alone.
bool is_standard_output(const std::filesystem::path& target);

/// Writes to an announced output, or prints if it is "-". Throws Error when that fails.
void write_json(const std::filesystem::path& target, const Json& json, const OutputFiles& outputs);

}  // namespace hewn::app
