# 64-bit ARM on a Debian machine: g++-aarch64-linux-gnu, qemu-user and the :arm64 libraries (`make deps-aarch64`).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)
list(PREPEND CMAKE_PREFIX_PATH /usr/lib/aarch64-linux-gnu/cmake)
