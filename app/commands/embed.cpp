// hewn embed: pictures and texts as vectors of one space, for search.
#include "hewn/models/clip/clip.h"
#include "hewn/models/clip/tokenizer.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/naming.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "app/commands/commands.h"
#include "app/options/clip_options.h"
#include "app/options/options.h"
#include "app/output/json_text.h"
#include "app/output/output_files.h"
#include "app/output/progress_bar.h"
#include "app/output/tensor_dump.h"
#include "app/output/text_lines.h"
#include "app/output/units.h"

namespace hewn::app {

namespace {

namespace fs = std::filesystem;

constexpr const char* kHelp = R"(Examples:
  hewn embed *.jpg --weights clip.safetensors --output pictures.safetensors
  hewn embed --text "a cat on a sofa" --weights clip.safetensors --output query.safetensors
  hewn embed a.jpg --texts-file captions.txt --weights clip.safetensors --output both.safetensors

The file holds image_features and text_features, a row for each, of length 1: products of rows are
cosines. What the rows stand for is in its metadata, as JSON lists 'images' and 'texts'.)";

/// What goes through a tower together.
constexpr std::int64_t kPictures = 8;
constexpr std::int64_t kTexts = 256;

struct Options {
  std::vector<fs::path> images;
  std::vector<std::string> texts;
  /// Has the texts as they came: what is parsed takes {} for nothing.
  const CLI::Option* given = nullptr;
  fs::path texts_file, output;
  ClipOptions clip;
  CommonOptions common;
};

ClipTowers towers_for(const Options& options) {
  if (options.texts.empty()) return ClipTowers::image;
  return options.images.empty() ? ClipTowers::text : ClipTowers::both;
}

class EmbedCommand {
 public:
  explicit EmbedCommand(const Options& options)
      : options_(options), ctx_(make_context(options.common)) {
    outputs_.protect({options_.clip.weights, options_.texts_file});
    outputs_.protect(options_.images);
    outputs_.expect("--output", options_.output);
  }

  void run() {
    const Clip clip = load_clip(options_.clip, towers_for(options_), ctx_);
    TensorDump dump;
    {
      const auto pictures = std::ssize(options_.images);
      const ProgressBar bar(pictures + std::ssize(options_.texts), !options_.common.quiet);
      if (pictures > 0) embed_pictures(clip, bar, dump);
      if (!options_.texts.empty()) embed_texts(clip, bar, dump);
    }
    Json names = Json::array();
    for (const fs::path& image : options_.images) names.push_back(image.string());
    dump.write(outputs_.staged(options_.output),
               {{"images", to_line(names)}, {"texts", to_line(options_.texts)}});
    outputs_.commit();
    if (options_.common.quiet) return;
    std::cout << options_.output.string() << ": " << counted(std::ssize(options_.images), "picture")
              << ", " << counted(std::ssize(options_.texts), "text") << std::endl;
  }

 private:
  void embed_pictures(const Clip& clip, const ProgressBar& bar, TensorDump& dump) {
    const auto count = std::ssize(options_.images);
    const std::int64_t side = clip.preprocessing().size;
    const std::int64_t width = clip.image().embedding_size();
    Tensor features({1, 1, count, width});
    for (std::int64_t first = 0; first < count; first += kPictures) {
      const Arena::Scope scope(ctx_.arena());
      const std::int64_t batch = std::min(count - first, kPictures);
      const View pictures = ctx_.arena().view({batch, side, side, 3});
      for (std::int64_t i = 0; i < batch; ++i) {
        const fs::path& path = options_.images[static_cast<std::size_t>(first + i)];
        bar.show(first + i, path.string());
        read_preprocessed(path, clip, pictures, i, ctx_);
      }
      clip.image()(pictures, nullptr, {features.view().pixel(0, 0, first), {1, 1, batch, width}},
                   ctx_);
    }
    dump.add("image_features", features.values(), {count, width});
  }

  void embed_texts(const Clip& clip, const ProgressBar& bar, TensorDump& dump) {
    const Tokenizer tokenizer(clip.file());
    const auto count = std::ssize(options_.texts);
    const std::int64_t width = clip.text().embedding_size();
    Tensor features({1, 1, count, width});
    for (std::int64_t first = 0; first < count; first += kTexts) {
      const std::int64_t batch = std::min(count - first, kTexts);
      bar.show(std::ssize(options_.images) + first, "texts");
      std::vector<TextTokens> tokens;
      for (std::int64_t i = first; i < first + batch; ++i) {
        tokens.push_back(tokens_of(tokenizer, clip, i));
      }
      clip.text()(tokens, {}, {features.view().pixel(0, 0, first), {1, 1, batch, width}}, ctx_);
    }
    dump.add("text_features", features.values(), {count, width});
  }

  TextTokens tokens_of(const Tokenizer& tokenizer, const Clip& clip, std::int64_t index) const {
    const std::string& text = options_.texts[static_cast<std::size_t>(index)];
    const std::string name = text_of("text ", index + 1);
    ClipText result = detail::naming(
        name, [&] { return tokenizer.encode_context(text, clip.text().context_length()); });
    if (result.truncated) {
      note(options_.common,
           name + " is longer than the model takes; the rest of it is not looked at");
    }
    return std::move(result.tokens);
  }

  const Options& options_;
  OutputFiles outputs_;
  Context ctx_;
};

void run(Options& options) {
  options.texts = options.given->results();
  if (!options.texts_file.empty()) {
    std::ranges::move(read_lines(options.texts_file), std::back_inserter(options.texts));
  }
  if (options.images.empty() && options.texts.empty()) {
    throw UsageError("nothing to embed: give IMG, --text T or --texts-file F");
  }
  EmbedCommand(options).run();
}

void add_options(CLI::App& command, Options& options) {
  add_argument(command, "IMG", options.images, "Pictures: PNG, JPEG or PNM");
  const OptionGroup group(command, "Texts");
  options.given = group.add("--text", options.texts, "TEXT", "A text, in UTF-8; may be repeated")
                      ->take_all()
                      ->allow_extra_args(false);  // pictures may follow; nor is [a,b] a list, then
  group.add("--texts-file", options.texts_file, "F", "More texts, one a line");
  add_clip_options(command, options.clip);
  OptionGroup(command, "Output")
      .add("--output", options.output, "F.safetensors", "The file to write")
      ->required();
}

}  // namespace

void add_embed(CLI::App& parent) {
  add_command<Options>(parent, "embed", "Turn pictures and texts into vectors, for search", kHelp,
                       add_options, run);
}

}  // namespace hewn::app
