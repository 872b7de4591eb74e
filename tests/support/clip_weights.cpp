#include "tests/support/clip_weights.h"

#include "hewn/runtime/error.h"

#include <bit>
#include <cmath>
#include <span>

#include "tests/support/merges_file.h"
#include "tests/support/random.h"

namespace hewn::test {

namespace {

/// A value that float32, binary16 and bfloat16 all hold: 8 bits, and no smaller than 2⁻¹⁴.
float short_value(double value) {
  constexpr std::uint32_t kUpperHalf = 0xffff0000U;
  constexpr float kLeast = 0x1p-14F;
  const auto rounded = static_cast<float>(value);
  const auto cut = std::bit_cast<float>(std::bit_cast<std::uint32_t>(rounded) & kUpperHalf);
  return std::abs(cut) < kLeast ? 0 : cut;
}

std::vector<std::byte> bytes_of(const TensorValues& tensor) {
  std::vector<std::byte> bytes;
  const auto append = [&](auto value) {
    const auto part = std::as_bytes(std::span(&value, 1));
    bytes.insert(bytes.end(), part.begin(), part.end());
  };
  for (const std::int64_t integer : tensor.integers) append(integer);
  for (const float value : tensor.values) {
    switch (tensor.dtype) {
      case Dtype::float16:
        append(float_to_half(value));
        break;
      case Dtype::bfloat16:
        append(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16U));
        break;
      default:
        append(value);
    }
  }
  return bytes;
}

/// Adds tensors one after the other, each with a seed of its own.
class Writer {
 public:
  Writer(WeightsFile& file, Dtype matrices, std::uint64_t seed)
      : file_(file), matrices_(matrices), seed_(seed) {}

  TensorValues& add(const std::string& name, const Shape& shape, double magnitude) {
    TensorValues tensor = random_values(shape, magnitude, seed_++);
    if (shape.rank() > 1) tensor.dtype = matrices_;
    return file_.tensors[name] = tensor;
  }
  /// Weights of variance 1 / inputs, which keep the magnitude of what they are multiplied with.
  void add_weights(const std::string& name, const Shape& shape, std::int64_t inputs) {
    add(name, shape, std::sqrt(3.0 / static_cast<double>(inputs)));
  }
  void add_linear(const std::string& name, std::int64_t out, std::int64_t in) {
    add_weights(name + ".weight", {out, in}, in);
    add(name + ".bias", {out}, 0.25);
  }
  void add_norm(const std::string& name, std::int64_t width) {
    for (float& value : add(name + ".weight", {width}, 0.5).values) value = short_value(value + 1);
    add(name + ".bias", {width}, 0.25);
  }
  void add_blocks(const std::string& name, std::int64_t blocks, std::int64_t width) {
    for (std::int64_t i = 0; i < blocks; ++i) {
      const std::string block = text_of(name, ".resblocks.", i);
      add_norm(block + ".ln_1", width);
      // Twice as large, so that scores are far enough apart for attention to choose.
      add_weights(block + ".attn.in_proj_weight", {3 * width, width}, divide_up(width, 4));
      add(block + ".attn.in_proj_bias", {3 * width}, 0.25);
      add_linear(block + ".attn.out_proj", width, width);
      add_norm(block + ".ln_2", width);
      add_linear(block + ".mlp.c_fc", 4 * width, width);
      add_linear(block + ".mlp.c_proj", width, 4 * width);
    }
  }

 private:
  WeightsFile& file_;
  Dtype matrices_;
  std::uint64_t seed_;
};

TensorValues merges() {
  TensorValues tensor{.shape = {}, .values = {}, .dtype = Dtype::int64};
  for (const auto& merge : few_merges()) {
    tensor.integers.insert(tensor.integers.end(), merge.begin(), merge.end());
  }
  tensor.shape = Shape{std::ssize(tensor.integers) / 2, 2};
  return tensor;
}

std::string quoted(const std::string& text) { return '"' + text + '"'; }

}  // namespace

TensorValues random_values(const Shape& shape, double magnitude, std::uint64_t seed) {
  Random random(seed);
  TensorValues tensor{.shape = shape, .values = {}};
  for (std::int64_t i = 0; i < shape.count(); ++i) {
    tensor.values.push_back(short_value(random.hewn::Random::uniform(-magnitude, magnitude)));
  }
  return tensor;
}

void WeightsFile::write(const std::filesystem::path& path) const {
  std::string json;
  for (const auto& [key, value] : config) {
    json += text_of(json.empty() ? "{" : ", ", quoted(key), ": ", value);
  }
  std::vector<std::vector<std::byte>> data;
  std::vector<TensorToWrite> to_write;
  for (const auto& [name, tensor] : tensors) {
    data.push_back(bytes_of(tensor));
    to_write.push_back(
        {.name = name, .dtype = tensor.dtype, .shape = tensor.shape, .data = data.back()});
  }
  write_safetensors(path, to_write,
                    {{"hewn.model", model},
                     {"hewn.format", "1"},
                     {"hewn.config", json.empty() ? "{}" : json + "}"}});
}

WeightsFile small_clip(Dtype matrices, const std::string& activation) {
  using S = SmallClip;
  WeightsFile file{.model = "clip",
                   .config = {{"form", quoted("openai")},
                              {"activation", quoted(activation)},
                              {"image_heads", std::to_string(S::kImageHeads)},
                              {"text_heads", std::to_string(S::kTextHeads)},
                              {"mean", "[0.5, 0.25, 0.75]"},
                              {"std", "[0.25, 0.5, 0.125]"}},
                   .tensors = {}};
  Writer writer(file, matrices, 1000);
  writer.add_weights("visual.conv1.weight", {S::kImageWidth, 3, S::kPatch, S::kPatch},
                     3 * S::kPatch * S::kPatch);
  writer.add("visual.class_embedding", {S::kImageWidth}, 1);
  writer.add("visual.positional_embedding", {S::kImageTokens, S::kImageWidth}, 0.5);
  writer.add_norm("visual.ln_pre", S::kImageWidth);
  writer.add_blocks("visual.transformer", S::kImageBlocks, S::kImageWidth);
  writer.add_norm("visual.ln_post", S::kImageWidth);
  writer.add_weights("visual.proj", {S::kImageWidth, S::kEmbedding}, S::kImageWidth);
  writer.add("token_embedding.weight", {S::kVocabulary, S::kTextWidth}, 1);
  writer.add("positional_embedding", {S::kContext, S::kTextWidth}, 0.5);
  writer.add_blocks("transformer", S::kTextBlocks, S::kTextWidth);
  writer.add_norm("ln_final", S::kTextWidth);
  writer.add_weights("text_projection", {S::kTextWidth, S::kEmbedding}, S::kTextWidth);
  file.tensors["logit_scale"] = {.shape = {}, .values = {3}};
  file.tensors["tokenizer.merges"] = merges();
  return file;
}

WeightsFile small_prompts(const std::string& method) {
  using S = SmallClip;
  WeightsFile file{.model = "clip-prompts",
                   .config = {{"method", quoted(method)},
                              {"template", quoted("a a a a {}.")},
                              {"class_position", quoted("end")},
                              {"labels", "null"}},
                   .tensors = {}};
  Writer writer(file, Dtype::float32, 2000);
  const auto add = [&](const char* tower, std::int64_t blocks, const Shape& shape) {
    for (std::int64_t i = 0; i < blocks; ++i) {
      writer.add(text_of(tower, ".prompts.", i), shape, 1);
    }
  };
  const Shape of_text{S::kTextPrompts, S::kTextWidth};
  const Shape of_image{S::kImagePrompts, S::kImageWidth};
  if (method == "vpt") {
    file.config["template"] = file.config["class_position"] = "null";
    add("image", S::kImageBlocks, of_image);
  } else if (method == "ivlp") {
    add("text", 3, of_text);
    add("image", 2, of_image);
  } else if (method == "maple") {
    add("text", 3, of_text);
    for (const char* name : {"coupling.0", "coupling.1"}) {
      writer.add_linear(name, S::kImageWidth, S::kTextWidth);
    }
  } else {
    add("text", 1, of_text);
    if (method != "cocoop") return file;
    constexpr std::int64_t kHidden = 6;
    writer.add_linear("meta_net.linear1", kHidden, S::kEmbedding);
    writer.add_linear("meta_net.linear2", S::kTextWidth, kHidden);
  }
  return file;
}

}  // namespace hewn::test
