// The commands of the program, one file each.
#pragma once

namespace CLI {
class App;
}

namespace hewn::app {

// Each adds its command, options and help to `parent`; the command runs while the command line is
// parsed, and throws Error or UsageError.
void add_keypoints(CLI::App& parent);
void add_match(CLI::App& parent);
void add_flow(CLI::App& parent);
void add_complete(CLI::App& parent);
void add_classify(CLI::App& parent);
void add_embed(CLI::App& parent);
void add_tokenize(CLI::App& parent);
void add_inspect(CLI::App& parent);
void add_cpu(CLI::App& parent);

}  // namespace hewn::app
