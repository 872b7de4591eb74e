#include "app/command_line.h"

int main(int argc, char** argv) { return hewn::app::run_program(argc, argv); }
