#include "tests/app/program.h"

#include "hewn/runtime/error.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <spawn.h>
#include <sstream>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "tests/support/random.h"

namespace hewn::test {

namespace fs = std::filesystem;

namespace {

void check(int error, const char* what) {
  if (error != 0) throw std::system_error(error, std::generic_category(), what);
}

/// The master side of a new pseudo-terminal.
class Terminal {
 public:
  Terminal() : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK)) {
    const bool opened = master_ >= 0 && ::grantpt(master_) == 0 && ::unlockpt(master_) == 0;
    if (!opened) check(errno, "terminal");
  }
  ~Terminal() { ::close(master_); }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  std::string name() const { return ::ptsname(master_); }

  /// What was written to the terminal until now.
  std::string text() const {
    std::string text;
    std::array<char, 4096> buffer{};
    for (ssize_t count = 0; (count = ::read(master_, buffer.data(), buffer.size())) > 0;) {
      text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return text;
  }

 private:
  int master_;
};

class FileActions {
 public:
  FileActions() { check(::posix_spawn_file_actions_init(&actions_), "spawn"); }
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  void open(int descriptor, const std::string& file, int flags) {
    check(::posix_spawn_file_actions_addopen(&actions_, descriptor, file.c_str(), flags, 0600),
          "spawn");
  }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> list;
  list.reserve(words.size() + 1);
  for (std::string& word : words) list.push_back(word.data());
  list.push_back(nullptr);
  return list;
}

/// With HEWN_TEST_THREADS, the arguments say so.
Arguments with_test_threads(Arguments arguments) {
  const char* threads = std::getenv("HEWN_TEST_THREADS");  // NOLINT(concurrency-mt-unsafe)
  if (threads == nullptr || arguments.size() < 2) return arguments;
  std::erase_if(arguments, [](const std::string& word) { return word.starts_with("--threads="); });
  // Behind the command's name, where it parts no option from its value.
  const auto name = arguments.begin() + (arguments.front() == "bench" ? 2 : 1);
  arguments.insert(name, {"--threads", threads});
  return arguments;
}

std::vector<std::string> command_line(const Arguments& arguments) {
  std::vector<std::string> command;
  std::istringstream emulator(HEWN_EMULATOR);
  for (std::string word; emulator >> word;) command.push_back(word);
  command.emplace_back(HEWN_PROGRAM);
  for (std::string& word : with_test_threads(arguments)) command.push_back(std::move(word));
  return command;
}

std::string described(const Outcome& outcome) {
  return text_of("status ", outcome.status, ", on standard error:\n", outcome.err,
                 "and on standard output:\n", outcome.out);
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) check(errno, "waitpid");
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

Arguments joined(Arguments these, const Arguments& those) {
  these.insert(these.end(), those.begin(), those.end());
  return these;
}

Outcome run_hewn(const Arguments& arguments, const RunOptions& options) {
  const Folder folder;
  const Terminal terminal;
  const std::string out =
      options.standard_output.empty() ? folder.file("out") : options.standard_output;
  const std::string err = options.terminal ? terminal.name() : folder.file("err");
  // Held open here too: a terminal that nobody has open may forget what was written.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): POSIX has no other open()
  const int held = options.terminal ? ::open(err.c_str(), O_RDWR | O_NOCTTY) : -1;

  FileActions actions;
  actions.open(STDIN_FILENO, "/dev/null", O_RDONLY);
  actions.open(STDOUT_FILENO, out, O_WRONLY | O_CREAT);
  actions.open(STDERR_FILENO, err, O_WRONLY | O_CREAT | O_NOCTTY);
  std::vector<std::string> command = command_line(arguments);
  std::vector<std::string> environment = options.environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    environment.emplace_back(*variable);
  }
  pid_t child = 0;
  check(::posix_spawnp(&child, command.front().c_str(), actions.get(), nullptr,
                       pointers(command).data(), pointers(environment).data()),
        command.front().c_str());
  Outcome outcome;
  outcome.status = wait_for(child);
  if (options.standard_output.empty()) outcome.out = read_text(out);
  outcome.err = options.terminal ? terminal.text() : read_text(err);
  if (held >= 0) ::close(held);
  return outcome;
}

testing::AssertionResult complained(const Outcome& outcome, int status, const std::string& part) {
  const bool one_line = std::ranges::count(outcome.err, '\n') == 1 && outcome.err.ends_with('\n');
  if (outcome.status == status && outcome.out.empty() && one_line &&
      outcome.err.starts_with("hewn: ") && outcome.err.find(part) != std::string::npos) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "expected status " << status << " and one line with '"
                                     << part << "', got " << described(outcome);
}

testing::AssertionResult silent(const Outcome& outcome) {
  if (outcome.status == 0 && outcome.out.empty() && outcome.err.empty()) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "expected status 0 and no word, got " << described(outcome);
}

nlohmann::json printed_json(const Outcome& outcome) {
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  return nlohmann::json::parse(outcome.out, nullptr, false);
}

nlohmann::json read_json(const fs::path& path) {
  return nlohmann::json::parse(read_text(path), nullptr, false);
}

std::vector<float> values(const SafetensorsFile& file, const std::string& name) {
  std::vector<float> storage;
  const auto span = file.floats(name, std::nullopt, storage);
  return {span.begin(), span.end()};
}

Image picture_of_rectangles(std::int64_t width, std::int64_t height, std::uint64_t seed) {
  constexpr std::uint16_t kBackground = 128;
  Image image{.width = width,
              .height = height,
              .channels = 1,
              .values = std::vector(static_cast<std::size_t>(width * height), kBackground)};
  Random random(seed);
  for (std::int64_t i = 0; i < width * height / 200; ++i) {
    const std::int64_t left = random.integer(0, width - 1);
    const std::int64_t right = std::min(width, left + random.integer(5, 30));
    const std::int64_t top = random.integer(0, height - 1);
    const std::int64_t bottom = std::min(height, top + random.integer(5, 30));
    const auto shade = static_cast<std::uint16_t>(random.integer(0, 255));
    for (std::int64_t y = top; y < bottom; ++y) {
      std::fill_n(image.values.begin() + y * width + left, right - left, shade);
    }
  }
  return image;
}

}  // namespace hewn::test
