# The usual errands, each a line or two over CMake. HACKING.md says more.
#
#   make            build into build/release           make bench     every benchmark
#   make test       what is missing, build, all tests  make audit     against PyTorch (needs it)
#   make demo       four networks on pictures          make lint      format, clang-tidy, doxygen
#   make asan tsan  tests under the sanitizers         make aarch64   tests on emulated ARM
#   make install PREFIX=/usr/local                     make deps deps-lint deps-aarch64
#   make peers      against other runtimes (docs/benchmarks.md)
#   make evaluate   our own weights, on pictures that no training has seen (docs/weights.md)

PREFIX  ?= /usr/local
PYTHON  ?= python3
JOBS    ?= $(shell nproc)
HEWN_SHARED ?= ../shared
export HEWN_SHARED
sudo    := $(if $(filter 0,$(shell id -u)),,sudo)

hewn    := build/release/hewn

# docs/dependencies.md says what each is for.
packages := cmake ninja-build g++ ccache \
  libeigen3-dev libtbb-dev libxsimd-dev libstb-dev libbenchmark-dev libgtest-dev nlohmann-json3-dev libcli11-dev \
  libutf8proc-dev
packages_lint := clang-tidy clang-format doxygen
packages_aarch64 := g++-aarch64-linux-gnu qemu-user libtbb-dev:arm64 libgtest-dev:arm64 libbenchmark-dev:arm64 \
  libutf8proc-dev:arm64

# $(call install,PACKAGES) asks for root only when something is missing.
missing = $(foreach p,$(1),$(if $(shell dpkg-query -Wf '$${db:Status-Status}\n' $(p) 2>&1 | grep -x installed),,$(p)))
install = $(if $(strip $(call missing,$(1))),$(sudo) apt-get update -q && \
  $(sudo) apt-get install -qy --no-install-recommends $(call missing,$(1)),@:)

build/%/build.ninja: | deps
	cmake --preset $*
build/aarch64/build.ninja: | deps-aarch64

.PHONY: all test demo bench peers audit evaluate lint doxygen asan tsan aarch64 install deps deps-lint deps-aarch64 clean
all: build/release/build.ninja
	cmake --build --preset release -j $(JOBS)

test: all
	ctest --preset release -j $(JOBS)

asan tsan: %: build/%/build.ninja
	cmake --build --preset $@ -j $(JOBS)
	ctest --preset $(or $(TESTS),$@) -j $(JOBS)

# qemu-user can hang, so the whole run has a limit. TESTS=aarch64-all, and so on, is a preset that leaves nothing out.
aarch64: build/aarch64/build.ninja
	cmake --build --preset aarch64 -j $(JOBS)
	timeout 3600 ctest --preset $(or $(TESTS),aarch64) -j $(JOBS)

# The weights are ours (docs/weights.md), and so are the pictures, or free (docs/pictures.md).
pictures := docs/pictures
demo: all
	@mkdir -p out
	$(hewn) keypoints $(pictures)/desk_left.png --max-keypoints 200 \
	  --weights models/superpoint/superpoint.safetensors --draw out/keypoints.png
	$(hewn) match $(pictures)/desk_left.png $(pictures)/desk_right.png \
	  --weights models/superpoint/superpoint.safetensors --draw out/match.png
	$(hewn) flow $(pictures)/flow_1.png $(pictures)/flow_2.png \
	  --weights models/raft/raft_small.safetensors --draw out/flow.png
	$(hewn) complete $(pictures)/completion_picture.png --mask $(pictures)/completion_mask.png \
	  --weights models/completion/completion.safetensors --draw out/completion.png
	$(hewn) classify $(pictures)/scene_star.png $(pictures)/scene_pair.png \
	  --weights models/clip/clip_small.safetensors --labels-file $(pictures)/scene_labels.txt --top 3 --draw out/answers.png
	@echo
	@echo "out/keypoints.png   rings on corners, the surest in yellow: the chessboard's first"
	@echo "out/match.png       green lines join places of the desk, which is a plane; the yellow frame is that of the left view"
	@echo "out/flow.png        hues are directions: the animal's face moves over the table, which moves another way"
	@echo "out/completion.png  the picture, its holes, and the holes filled: colours are right, fine detail is not"
	@echo "out/answers.png     what each picture shows, and how sure the network is"

bench: all
	for bench in build/release/bench/*_bench; do $$bench || exit 1; done

# PEERS holds more options, as in NETWORK=raft PEERS="--threads 1,4 --rounds 9".
NETWORK ?= superpoint
peers: all
	$(PYTHON) -m bench.peers $(NETWORK) $(if $(WEIGHTS),--weights $(WEIGHTS)) $(PEERS)

audit: all
	cmake --build --preset release -j $(JOBS) --target hewn_op_runner
	$(PYTHON) -m weights_tools.audit.everything

# Needs what weights_tools/train/requirements.txt brings.
evaluate: all
	for network in superpoint raft completion clip; do $(PYTHON) -m weights_tools.evaluate $$network || exit 1; done

lint: deps-lint build/lint/build.ninja
	git ls-files '*.h' '*.cpp' | xargs clang-format --dry-run -Werror
	run-clang-tidy -quiet -j $(JOBS) -p build/lint

# A part of lint. Fields may be left to the comment of their structure, as docs/Doxyfile says.
lint: doxygen
doxygen: deps-lint build/lint/build.ninja
	@cmake build/lint > build/lint/headers.log  # which there are now
	@mkdir -p build/doxygen
	doxygen docs/Doxyfile
	awk '!/\(variable\) of struct .* is not documented/ { sub(/.*\/hewn\//, ""); print; bad = 1 } END { exit bad }' build/doxygen/warnings

install: all
	cmake --install build/release --prefix $(PREFIX)

clean:
	rm -rf build out

deps:
	$(call install,$(packages))
deps-lint:
	$(call install,$(packages_lint))
deps-aarch64:
	$(if $(filter arm64,$(shell dpkg --print-foreign-architectures)),@:,$(sudo) dpkg --add-architecture arm64)
	$(call install,$(packages_aarch64))
