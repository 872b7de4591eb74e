// hewn classify: which of some labels describes a picture best.
#include "hewn/models/clip/classifier.h"
#include "hewn/ops/softmax/softmax.h"
#include "hewn/ops/topk/topk.h"
#include "hewn/runtime/error.h"

#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <optional>
#include <vector>

#include "app/commands/commands.h"
#include "app/drawing/answer_sheet.h"
#include "app/options/clip_options.h"
#include "app/options/options.h"
#include "app/output/progress_bar.h"
#include "app/output/report.h"
#include "app/output/units.h"

namespace hewn::app {

namespace {

namespace fs = std::filesystem;

constexpr const char* kHelp = R"(Examples:
  hewn classify cat.jpg --weights clip.safetensors --labels "cat,dog,fire truck"
  hewn classify *.jpg --weights clip.safetensors --labels-file labels.txt --top 3 --draw sheet.png
  hewn classify cat.jpg --weights clip.safetensors --labels "cat,dog" \
      --template "a photo of a {}." --template "a drawing of a {}."
  hewn classify cat.jpg --weights clip.safetensors --prompts maple.safetensors --labels "cat,dog"

The probabilities of all labels add up to 1: they say which label fits best, not that one does.)";

/// Pictures that go through the network together: a larger batch is no faster.
constexpr std::int64_t kBatch = 8;

struct Options {
  std::vector<fs::path> images;
  CommonOptions common;
  ClipOptions clip;
  LabelOptions labels;
  std::int64_t top = 5;
  ReportFiles report;
  fs::path draw;
};

/// What the network says of a picture: {1, 1, 1, labels} each.
struct Result {
  Tensor logits;
  Tensor probabilities;
  std::vector<std::int64_t> best;  // labels, as many as are asked for
};

/// Results of all pictures, as --dump has them.
struct Dumped {
  std::vector<float> image_features, text_features, logits;
};

class ClassifyCommand {
 public:
  explicit ClassifyCommand(const Options& options)
      : options_(options),
        report_(options.report, options.common.quiet),
        ctx_(make_context(options.common)) {
    if (report_.trace() != nullptr && std::ssize(options_.images) > kBatch) {
      throw UsageError(
          text_of("--trace: expected at most ", kBatch, " pictures, got ", options_.images.size()));
    }
    OutputFiles& files = report_.files();
    files.protect({options_.clip.weights, options_.labels.labels_file, options_.labels.prompts});
    files.protect(options_.images);
    files.expect_any("--draw", options_.draw);
    report_.expect();
  }

  void run() {
    const Clip clip = load_clip(options_.clip, ClipTowers::both, ctx_);
    const Tokenizer tokenizer(clip.file());
    const std::optional<Prompts> prompts = load_prompts(options_.labels, clip);
    labels_ = read_labels(options_.labels, prompts ? &*prompts : nullptr);
    const Classifier classifier(clip, tokenizer, prompts ? &*prompts : nullptr, labels_, ctx_);
    warn_of_truncated(classifier);
    const auto count = static_cast<std::int64_t>(options_.images.size());
    {
      const ProgressBar bar(count, !options_.common.quiet);
      for (std::int64_t first = 0; first < count; first += kBatch) {
        bar.show(first, options_.images[static_cast<std::size_t>(first)].string());
        process(clip, classifier, first, std::min(count - first, kBatch));
      }
    }
    write(clip, classifier);
  }

 private:
  void warn_of_truncated(const Classifier& classifier) const {
    const auto cut = std::ranges::count_if(classifier.texts(), &ClipText::truncated);
    if (cut == 0) return;
    note(options_.common, text_of(cut, cut == 1 ? " text is" : " texts are",
                                  " longer than the model takes; the rest of ",
                                  cut == 1 ? "it" : "each", " is not looked at"));
  }

  void process(const Clip& clip, const Classifier& classifier, std::int64_t first,
               std::int64_t count) {
    const Arena::Scope scope(ctx_.arena());
    const std::int64_t side = clip.preprocessing().size;
    const View pictures = ctx_.arena().view({count, side, side, 3});
    std::vector<Tensor> thumbnails;
    for (std::int64_t i = 0; i < count; ++i) {
      const Image image = read_preprocessed(path(first + i), clip, pictures, i, ctx_);
      if (!options_.draw.empty()) thumbnails.push_back(thumbnail(image, ctx_));
    }
    const View features = ctx_.arena().view({1, 1, count, clip.image().embedding_size()});
    compute_features(classifier, pictures, features);
    append(features, dumped_.image_features);
    for (std::int64_t i = 0; i < count; ++i) {
      const Result result =
          answer(classifier, {features.pixel(0, 0, i), {1, 1, 1, features.shape.c}});
      report(path(first + i), result, clip);
      if (!options_.draw.empty()) {
        drawn_.push_back({path(first + i).filename().string(),
                          std::move(thumbnails[static_cast<std::size_t>(i)]), answers(result)});
      }
    }
  }

  void compute_features(const Classifier& classifier, ConstView pictures, View features) {
    TensorDump* const layers = report_.trace();
    if (layers == nullptr) return classifier.image_features(pictures, features, ctx_);
    layers->add("input", pictures);
    TracedLayers traced;
    const TraceScope trace(ctx_.tracer(), traced.sink());
    classifier.image_features(pictures, features, ctx_);
    for (TracedLayer& layer : traced.take()) {
      const Nhwc& s = layer.values.shape();
      // Tokens by channels, as PyTorch has them.
      layers->add(layer.name, layer.values.view().reshaped({s.n, s.w, s.c, 1}));
    }
  }

  const fs::path& path(std::int64_t index) const {
    return options_.images[static_cast<std::size_t>(index)];
  }

  Result answer(const Classifier& classifier, ConstView feature) {
    const Arena::Scope scope(ctx_.arena());
    const Nhwc shape{1, 1, 1, classifier.labels()};
    Result result{.logits = Tensor(shape), .probabilities = Tensor(shape), .best = {}};
    const ConstView texts = classifier.text_features(feature, ctx_);
    classifier.logits(feature, texts, result.logits.view(), ctx_);
    softmax(result.logits.view(), result.probabilities.view(), ctx_);
    if (classifier.depends_on_picture() || dumped_.text_features.empty()) {
      append(texts, dumped_.text_features);
    }
    append(result.logits.view(), dumped_.logits);
    const std::int64_t count = std::min(classifier.labels(), options_.top);
    result.best.resize(static_cast<std::size_t>(count));
    topk(result.logits.values(), count, ctx_.arena().allocate<float>(count), result.best, ctx_);
    return result;
  }

  void append(ConstView view, std::vector<float>& to) {
    if (report_.dump() != nullptr) to.insert(to.end(), view.data, view.data + view.shape.count());
  }

  std::vector<Answer> answers(const Result& result) const {
    std::vector<Answer> best;
    for (const std::int64_t index : result.best) {
      const auto i = static_cast<std::size_t>(index);
      best.push_back({labels_.names[i], result.probabilities.values()[i]});
    }
    return best;
  }

  void report(const fs::path& image, const Result& result, const Clip& clip) {
    report_.said() << image.string() << '\n';
    Json best = Json::array();
    for (const std::int64_t index : result.best) {
      const auto i = static_cast<std::size_t>(index);
      const float probability = result.probabilities.values()[i];
      const float logit = result.logits.values()[i];
      report_.said() << std::setw(8) << fixed(100 * static_cast<double>(probability), 2) << "%  "
                     << labels_.names[i] << '\n';
      best.push_back({{"label", labels_.names[i]},
                      {"index", index},
                      {"probability", shortest(probability)},
                      {"cosine", shortest(logit / clip.logit_scale())},
                      {"logit", shortest(logit)}});
    }
    images_.push_back({{"image", image.string()}, {"answers", std::move(best)}});
  }

  void write(const Clip& clip, const Classifier& classifier) {
    if (!options_.draw.empty()) {
      write_png(report_.files().staged(options_.draw), draw_answers(drawn_));
    }
    if (report_.dump() != nullptr) dump(clip, classifier, *report_.dump());
    report_.publish(
        {{"weights", options_.clip.weights.string()},
         {"bf16", options_.clip.bf16},
         {"prompts",
          options_.labels.prompts.empty() ? Json() : Json(options_.labels.prompts.string())},
         {"labels", labels_.names.size()},
         {"logit_scale", shortest(clip.logit_scale())},
         {"images", images_}});
  }

  void dump(const Clip& clip, const Classifier& classifier, TensorDump& dump) const {
    const auto pictures = static_cast<std::int64_t>(options_.images.size());
    const std::int64_t width = clip.image().embedding_size();
    const std::int64_t labels = classifier.labels();
    const std::int64_t length = clip.text().context_length();
    std::vector<float> tokens;
    for (const ClipText& text : classifier.texts()) {
      tokens.insert(tokens.end(), text.tokens.begin(), text.tokens.end());
      tokens.resize(tokens.size() + static_cast<std::size_t>(length) - text.tokens.size());
    }
    dump.add("image_features", dumped_.image_features, {pictures, width});
    dump.add(
        "text_features", dumped_.text_features,
        classifier.depends_on_picture() ? Shape{pictures, labels, width} : Shape{labels, width});
    dump.add("logits", dumped_.logits, {pictures, labels});
    dump.add("tokens", tokens, {std::ssize(classifier.texts()), length});
  }

  const Options& options_;
  Report report_;
  Context ctx_;
  Labels labels_;
  Dumped dumped_;
  std::vector<AnsweredPicture> drawn_;
  Json images_ = Json::array();
};

void add_options(CLI::App& command, Options& options) {
  add_argument(command, "IMG", options.images, "Pictures: PNG, JPEG or PNM")->required();
  add_clip_options(command, options.clip);
  add_label_options(command, options.labels);
  const OptionGroup group(command, "Output");
  group.add("--top", options.top, "N", "How many answers to give for each picture (default: 5)")
      ->check(between(1, 1e6));
  group.add("--json", options.report.json, "F", "Write the answers as JSON ('-' prints it)");
  group.add("--draw", options.draw, "F.png", "Draw a sheet of the pictures and their answers");
  group.add("--dump", options.report.dump, "F.safetensors",
            "Write image_features, text_features, logits and tokens");
  group.add("--trace", options.report.trace, "F.safetensors",
            "Write the image tower's input and every block's output; for at most 8 pictures");
}

}  // namespace

void add_classify(CLI::App& parent) {
  add_command<Options>(parent, "classify", "Say which label fits a picture best", kHelp,
                       add_options, [](const Options& options) { ClassifyCommand(options).run(); });
}

}  // namespace hewn::app
