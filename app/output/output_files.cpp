#include "app/output/output_files.h"

#include "hewn/runtime/error.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <system_error>
#include <unistd.h>

#include <climits>

namespace hewn::app {

namespace fs = std::filesystem;

namespace {

/// A new name for a file beside the target, short, so that any target's name leaves room for it.
/// Making the file and removing it again is the only reliable question: permissions alone do not
/// tell of read-only file systems.
fs::path temporary_name(const std::string& what, const fs::path& target) {
  require(target.filename().string().size() <= NAME_MAX, what, ": the name is too long");
  std::string name = (target.parent_path() / ".hewn-XXXXXX").string();
  const int file = ::mkostemp(name.data(), O_CLOEXEC);
  require(file >= 0, what, ": cannot be written: ", std::strerror(errno));
  ::close(file);
  ::unlink(name.c_str());
  return name;
}

fs::path resolve(const fs::path& target) {
  std::error_code error;
  const fs::path resolved = fs::weakly_canonical(fs::absolute(target, error), error);
  return error ? target : resolved;
}

}  // namespace

OutputFiles::~OutputFiles() {
  for (const Output& output : outputs_) {
    std::error_code ignored;
    fs::remove(output.temporary, ignored);
  }
}

void OutputFiles::protect(const std::vector<fs::path>& inputs) {
  std::ranges::remove_copy_if(inputs, std::back_inserter(inputs_), &fs::path::empty);
}

void OutputFiles::expect(const std::string& option, const fs::path& target) {
  const std::string what = option + " " + target.string();
  require(target.has_filename(), what, ": expected the name of a file");
  const fs::path resolved = resolve(target);
  const fs::path directory = resolved.parent_path();
  std::error_code error;
  require(fs::is_directory(directory, error), what, ": there is no directory ", directory.string());
  const fs::file_status status = fs::status(resolved, error);
  if (fs::exists(status)) {
    require(fs::is_regular_file(status), what, ": expected a regular file, got ",
            fs::is_directory(status) ? "a directory" : "a device or the like");
    require(::access(resolved.c_str(), W_OK) == 0, what,
            ": cannot be overwritten: ", std::strerror(errno));
  }
  for (const fs::path& input : inputs_) {
    require(!fs::equivalent(resolved, input, error), what, ": would overwrite the input ",
            input.string());
  }
  for (const Output& output : outputs_) {
    require(output.target != resolved, what, ": is the same file as another output");
  }
  outputs_.push_back({target, resolved, temporary_name(what, resolved)});
}

fs::path OutputFiles::staged(const fs::path& target) const {
  const auto output = std::ranges::find(outputs_, target, &Output::asked_for);
  require(output != outputs_.end(), target.string(), ": not announced as an output");
  return output->temporary;
}

void OutputFiles::write_text(const fs::path& target, const std::string& text) const {
  std::ofstream file(staged(target), std::ios::binary);
  file << text;
  file.close();
  require(file.good(), target.string(), ": cannot be written: ", std::strerror(errno));
}

void OutputFiles::commit() {
  for (const Output& output : outputs_) {
    std::error_code error;
    fs::rename(output.temporary, output.target, error);
    require(!error, output.asked_for.string(), ": cannot be written: ", error.message());
  }
  outputs_.clear();
}

}  // namespace hewn::app
