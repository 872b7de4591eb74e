// Files of CLIP and of prompts for it that are damaged, or made to do damage.
// Label: files
#include "hewn/models/clip/classifier.h"
#include "hewn/models/clip/clip.h"
#include "hewn/models/clip/prompts.h"
#include "hewn/runtime/files/safetensors.h"
#include "hewn/runtime/random.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/clip_model.h"
#include "tests/support/clip_weights.h"
#include "tests/support/folder.h"
#include "tests/support/mutate.h"
#include "tests/support/outcome.h"
#include "tests/support/png_file.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using S = test::SmallClip;

constexpr const char* kMethods[] = {"coop", "cocoop", "vpt", "ivlp", "maple"};

/// Loads a model and runs what is small enough of it, whatever its sizes are now.
void use_clip(const std::filesystem::path& path) {
  const Clip clip{SafetensorsFile(path)};
  constexpr std::int64_t kLargest = 64;
  if (clip.image().picture_size() > kLargest) return;
  Context ctx({.threads = 1});
  Tensor picture({1, clip.image().picture_size(), clip.image().picture_size(), 3});
  fill(picture.view(), 0.5F);
  Tensor features({1, 1, 1, clip.image().embedding_size()});
  clip.image()(picture.view(), nullptr, features.view(), ctx);
  const std::vector<TextTokens> texts{{0}};
  clip.text()(texts, {}, features.view(), ctx);
}

/// Reads prompts and runs the model with them.
void use_prompts(const std::filesystem::path& path) {
  const Clip& clip = test::small_clip_model();
  const Prompts prompts = clip.read_prompts(SafetensorsFile(path));
  Labels labels{.names = prompts.labels()};
  const auto classes = static_cast<std::size_t>(std::max<std::int64_t>(prompts.classes(), 1));
  for (std::size_t i = 0; labels.names.size() < classes; ++i) {
    labels.names.push_back(std::to_string(i));
  }
  Context ctx({.threads = 1});
  try {
    const Classifier classifier(clip, test::small_tokenizer(), &prompts, labels, ctx);
    const Tensor picture = test::random_pictures(1, 1);
    Tensor features({1, 1, 1, S::kEmbedding});
    classifier.image_features(picture.view(), features.view(), ctx);
    classifier.text_features(features.view(), ctx);
  } catch (const Error& error) {
    // What the labels and the template do not agree about is no fault of the file's alone.
    fail(path.string(), ": ", error.what());
  }
}

/// Sizes that are wrong, and sometimes right.
std::int64_t random_size(Random& random) {
  constexpr std::int64_t kSizes[] = {0, 1, 2, 3, 4, 8, 17, 24, 32, 48, 77, 1000};
  return kSizes[static_cast<std::size_t>(random.integer(0, std::ssize(kSizes) - 1))];
}

/// Some tensors go, come again under another name, or have other sizes, types or values.
void change_tensors(test::WeightsFile& file, Random& random) {
  for (std::int64_t edits = random.integer(1, 2); edits > 0 && !file.tensors.empty(); --edits) {
    auto at = file.tensors.begin();
    std::advance(at, random.integer(0, std::ssize(file.tensors) - 1));
    test::TensorValues& tensor = at->second;
    std::vector<std::int64_t> dims = tensor.shape.dims();
    switch (random.integer(0, 5)) {
      case 0:
        file.tensors.erase(at);
        break;
      case 1: {
        auto other = file.tensors.begin();
        std::advance(other, random.integer(0, std::ssize(file.tensors) - 1));
        std::swap(tensor, other->second);
        break;
      }
      case 2:
        tensor.dtype = random.integer(0, 1) == 0 ? Dtype::float16 : Dtype::bfloat16;
        break;
      case 3:
        if (random.integer(0, 1) == 0) dims.insert(dims.begin(), 1);
        if (!dims.empty()) std::swap(dims.front(), dims.back());
        if (tensor.integers.empty()) tensor.shape = Shape(dims);
        break;
      default:
        if (dims.empty() || !tensor.integers.empty()) break;
        dims[static_cast<std::size_t>(random.integer(0, std::ssize(dims) - 1))] =
            random_size(random);
        if (Shape(dims).count() > 100'000) break;
        tensor = test::random_values(Shape(dims), 1, 1);
    }
  }
}

/// Some values of the configuration are others.
void change_config(test::WeightsFile& file, Random& random) {
  const auto words =
      test::words(R"(null true {} [] "" -1 0 1 2 1e9 1e300 2.5 [0,0,0] [1,1,1] ["a"] "{}" [[[ " )"
                  R"("end" "middle" "front" "gelu" "coop")",
                  {"\"a a {} a {}\""});
  auto at = file.config.begin();
  std::advance(at, random.integer(0, std::ssize(file.config) - 1));
  at->second = words[static_cast<std::size_t>(random.integer(0, std::ssize(words) - 1))];
}

TEST(ClipMutations, ModelsLoadOrAreRefused) {
  const test::Folder folder;
  const auto path = folder / "clip.safetensors";
  const test::WeightsFile whole = test::small_clip();
  Random random(1);
  test::Outcomes outcomes;
  for (int i = 0; i < 200; ++i) {
    test::WeightsFile file = whole;
    if (i % 4 != 0) change_tensors(file, random);
    if (i % 4 == 0) change_config(file, random);
    std::filesystem::remove(path);
    file.write(path);
    test::expect_loaded_or_refused(path.string(), outcomes, [&] { use_clip(path); });
  }
  EXPECT_GT(outcomes.loaded, 25);
  EXPECT_GT(outcomes.refused, 50);
}

TEST(ClipMutations, PromptsLoadOrAreRefused) {
  const test::Folder folder;
  const auto path = folder / "prompts.safetensors";
  Random random(2);
  test::Outcomes outcomes;
  for (int i = 0; i < 800; ++i) {
    test::WeightsFile file = test::small_prompts(kMethods[static_cast<std::size_t>(i % 5)]);
    if (i % 3 != 0) change_tensors(file, random);
    if (i % 3 != 1) change_config(file, random);
    std::filesystem::remove(path);
    file.write(path);
    test::expect_loaded_or_refused(path.string(), outcomes, [&] { use_prompts(path); });
  }
  EXPECT_GT(outcomes.loaded, 80);
  EXPECT_GT(outcomes.refused, 200);
}

/// The bytes of a file.
test::Bytes bytes_in(const std::filesystem::path& path) {
  return test::bytes_of(test::read_text(path));
}

TEST(ClipMutations, BytesOfPromptsLoadOrAreRefused) {
  const auto words =
      test::words(R"(text.prompts.1 image.prompts.0 coupling.0.weight "F16" "I64" [4,32] [2,48] )"
                  R"([4,0] middle \" {} null)");
  const test::Folder folder;
  const auto path = folder / "prompts.safetensors";
  std::vector<test::Bytes> seeds;
  for (const char* method : kMethods) {
    test::small_prompts(method).write(path);
    seeds.push_back(bytes_in(path));
  }
  Random random(3);
  test::Outcomes outcomes;
  for (std::size_t i = 0; i < 800; ++i) {
    // Mostly the header, which is a small part of the file.
    test::Bytes file = seeds[i % seeds.size()];
    const std::size_t head = std::min<std::size_t>(file.size(), 1024);
    test::Bytes changed = test::mutate(
        {file.begin(), file.begin() + static_cast<std::ptrdiff_t>(head)}, random, words);
    changed.resize(head);
    std::ranges::copy(changed, file.begin());
    std::filesystem::remove(path);  // a file system may flush what is overwritten
    test::write_file(path, {reinterpret_cast<const char*>(file.data()), file.size()});
    test::expect_loaded_or_refused(path.string(), outcomes, [&] { use_prompts(path); });
  }
  EXPECT_GT(outcomes.loaded, 8);
  EXPECT_GT(outcomes.refused, 200);
}

}  // namespace
}  // namespace hewn
