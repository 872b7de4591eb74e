// The command line of the program `hewn`.
#pragma once

namespace hewn::app {

/// Runs the command that the arguments of main() name. Returns the exit status: 0, 1 when something
/// failed, 2 when the command line is wrong; what went wrong is one line on standard error. Ignores
/// SIGPIPE from then on.
int run_program(int argc, char** argv);

}  // namespace hewn::app
