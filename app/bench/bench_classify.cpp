// hewn bench classify: CLIP, from pictures to answers.
#include "hewn/models/clip/classifier.h"
#include "hewn/models/clip/preprocess.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/pictures/image.h"

#include <array>
#include <vector>

#include "app/bench/bench.h"
#include "app/bench/bench_pictures.h"
#include "app/options/clip_options.h"
#include "app/options/options.h"
#include "app/output/units.h"

namespace hewn::app {

namespace {

constexpr const char* kHelp = R"(Examples:
  hewn bench classify --weights clip.safetensors
  hewn bench classify --weights clip.safetensors --batch 8 --labels 1000 --threads 1 --profile

The pictures are drawn by the program, and so are the labels: names that it makes up, in the
template "a photo of a {}.". 'text' is all labels' features, which are computed once for any number
of pictures; 'total' is what the pictures take, from pixels to logits.)";

struct Options : BenchOptions {
  ClipOptions clip;
  std::int64_t batch = 1;
  std::int64_t labels = 100;
};

/// "ruby kettle 7", and so on: of as many tokens as names have.
std::vector<std::string> make_names(std::int64_t count) {
  constexpr std::array kFirst{"red",    "wooden",  "old",  "small",
                              "golden", "striped", "wild", "glass"};
  constexpr std::array kSecond{"kettle",  "horse", "bridge", "apple", "violin",
                               "lantern", "boat",  "owl",    "castle"};
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const std::size_t round = at / (kFirst.size() * kSecond.size());
    names.push_back(text_of(kFirst[at % kFirst.size()], " ",
                            kSecond[at / kFirst.size() % kSecond.size()],
                            round == 0 ? "" : text_of(" ", round)));
  }
  return names;
}

class ClassifyBench {
 public:
  ClassifyBench(const Options& options, const PictureSize& size, Context& ctx)
      : options_(options),
        clip_(load_clip(options.clip, ClipTowers::both, ctx)),
        tokenizer_(clip_.file()),
        ctx_(ctx),
        labels_{.names = make_names(options.labels)},
        picture_(from_unit_range(draw_discs(size).view())) {}

  BenchReport run() {
    BenchReport report{
        .name = "classify",
        .size = {picture_.height, picture_.width},
        .stages = {{"text", "text tower, all labels", {}},
                   {"preprocessing", "preprocessing", {}},
                   {"image", "image tower", {}},
                   {"total", "total, pictures to logits", {}}},
        .extra = {{"batch", options_.batch},
                  {"labels", options_.labels},
                  {"bf16", options_.clip.bf16}},
        .notes = {counted(options_.batch, "picture"), counted(options_.labels, "label"),
                  options_.clip.bf16 ? "bfloat16" : "float32"}};
    measure(
        options_, ctx_, report, [this] { return once(); }, [this] { once(); });
    return report;
  }

 private:
  Times once() {
    std::optional<Classifier> classifier;
    const double text =
        seconds_of([&] { classifier.emplace(clip_, tokenizer_, nullptr, labels_, ctx_); });
    const Arena::Scope scope(ctx_.arena());
    const std::int64_t side = clip_.preprocessing().size;
    const View pictures = ctx_.arena().view({options_.batch, side, side, 3});
    const double preprocessing = seconds_of([&] {
      for (std::int64_t i = 0; i < options_.batch; ++i) {
        preprocess(picture_, clip_.preprocessing(), pictures.image(i), ctx_);
      }
    });
    const std::int64_t width = clip_.image().embedding_size();
    const View features = ctx_.arena().view({1, 1, options_.batch, width});
    const double image = seconds_of([&] { classifier->image_features(pictures, features, ctx_); });
    const View logits = ctx_.arena().view({1, 1, 1, options_.labels});
    const double comparing = seconds_of([&] {
      for (std::int64_t i = 0; i < options_.batch; ++i) {
        const ConstView feature(features.pixel(0, 0, i), {1, 1, 1, width});
        classifier->logits(feature, classifier->text_features(feature, ctx_), logits, ctx_);
      }
    });
    return {text, preprocessing, image, preprocessing + image + comparing};
  }

  const Options& options_;
  Clip clip_;
  Tokenizer tokenizer_;
  Context& ctx_;
  Labels labels_;
  Image picture_;
};

void run(Options& options) {
  options.model.weights = options.clip.weights;
  run_bench(options, 1, 1, [&](const PictureSize& size, Context& ctx) {
    return ClassifyBench(options, size, ctx).run();
  });
}

void add_options(CLI::App& command, Options& options) {
  add_clip_options(command, options.clip);
  const OptionGroup group(command, "Measurement");
  group.add("--batch", options.batch, "N", "Pictures at a time (default: 1)")
      ->check(between(1, 1024));
  group.add("--labels", options.labels, "N", "How many labels (default: 100)")
      ->check(between(1, 1e5));
  add_bench_options(command, "480x640", 10, options);
}

}  // namespace

void add_bench_classify(CLI::App& bench) {
  add_command<Options>(bench, "classify", "CLIP, from pictures to answers", kHelp, add_options,
                       run);
}

}  // namespace hewn::app
