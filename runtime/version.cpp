#include "hewn/runtime/version.h"

namespace hewn {

std::string version() {
  return std::to_string(HEWN_VERSION_MAJOR) + "." + std::to_string(HEWN_VERSION_MINOR) + "." +
         std::to_string(HEWN_VERSION_PATCH);
}

}  // namespace hewn
