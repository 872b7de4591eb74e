// hewn bench classify: CLIP, from pictures to answers.
#include "hewn/models/clip/classifier.h"
#include "hewn/models/clip/preprocess.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/pictures/image.h"

#include <array>
#include <memory>
#include <vector>

#include "app/bench/bench.h"
#include "app/bench/bench_pictures.h"
#include "app/options/clip_options.h"
#include "app/options/options.h"
#include "app/output/output_files.h"
#include "app/output/progress_bar.h"

namespace hewn::app {

namespace {

constexpr const char* kHelp = R"(Examples:
  hewn bench classify --weights clip.safetensors
  hewn bench classify --weights clip.safetensors --batch 8 --labels 1000 --threads 1 --profile

The pictures are drawn by the program, and so are the labels: names that it makes up, in the
template "a photo of a {}.". 'text' is all labels' features, which are computed once for any number
of pictures; 'total' is what the pictures take, from pixels to logits.)";

struct Options {
  BenchOptions bench;
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

struct Stages {
  Times text, preprocessing, image, total;
};

class ClassifyBench {
 public:
  ClassifyBench(const Options& options, const PictureSize& size, const Clip& clip, Context& ctx)
      : options_(options),
        clip_(clip),
        tokenizer_(clip.file()),
        ctx_(ctx),
        labels_{.names = make_names(options.labels)},
        picture_(from_unit_range(draw_discs(size).view())) {}

  BenchReport run() {
    const std::int64_t repeat = options_.bench.repeat;
    Stages stages;
    {
      const ProgressBar bar(repeat, !options_.bench.common.quiet);
      run_once(stages);
      stages = {};
      for (std::int64_t i = 0; i < repeat; ++i) {
        bar.show(i, "classify");
        run_once(stages);
      }
    }
    BenchReport report{
        .name = "classify",
        .size = {picture_.height, picture_.width},
        .extra = {{"batch", options_.batch},
                  {"labels", options_.labels},
                  {"bf16", options_.clip.bf16}},
        .notes = {text_of(options_.batch, options_.batch == 1 ? " picture" : " pictures"),
                  text_of(options_.labels, options_.labels == 1 ? " label" : " labels"),
                  options_.clip.bf16 ? "bfloat16" : "float32"},
        .stages = {{"text", "text tower, all labels", stages.text},
                   {"preprocessing", "preprocessing", stages.preprocessing},
                   {"image", "image tower", stages.image},
                   {"total", "total, pictures to logits", stages.total}},
        .profile = {}};
    if (options_.bench.profile) {
      report.profile = profile_of(repeat, ctx_, [this] {
        Stages ignored;
        run_once(ignored);
      });
    }
    return report;
  }

 private:
  void run_once(Stages& stages) {
    std::optional<Classifier> classifier;
    stages.text.push_back(
        seconds_of([&] { classifier.emplace(clip_, tokenizer_, nullptr, labels_, ctx_); }));
    const Arena::Scope scope(ctx_.arena());
    const std::int64_t side = clip_.preprocessing().size;
    const View pictures = ctx_.arena().view({options_.batch, side, side, 3});
    stages.preprocessing.push_back(seconds_of([&] {
      for (std::int64_t i = 0; i < options_.batch; ++i) {
        preprocess(picture_, clip_.preprocessing(), pictures.image(i), ctx_);
      }
    }));
    const std::int64_t width = clip_.image().embedding_size();
    const View features = ctx_.arena().view({1, 1, options_.batch, width});
    stages.image.push_back(
        seconds_of([&] { classifier->image_features(pictures, features, ctx_); }));
    const View logits = ctx_.arena().view({1, 1, 1, options_.labels});
    const double comparing = seconds_of([&] {
      for (std::int64_t i = 0; i < options_.batch; ++i) {
        const ConstView feature(features.pixel(0, 0, i), {1, 1, 1, width});
        classifier->logits(feature, classifier->text_features(feature, ctx_), logits, ctx_);
      }
    });
    stages.total.push_back(stages.preprocessing.back() + stages.image.back() + comparing);
  }

  const Options& options_;
  const Clip& clip_;
  Tokenizer tokenizer_;
  Context& ctx_;
  Labels labels_;
  Image picture_;
};

void run(const Options& options) {
  const PictureSize size = parse_size(options.bench.size_text, 1);
  OutputFiles outputs;
  expect_report(options.bench, outputs);
  Context ctx = make_context(options.bench.common);
  const Clip clip = load_clip(options.clip, ClipTowers::both, ctx);
  publish(options.bench, ClassifyBench(options, size, clip, ctx).run(), ctx, outputs);
}

}  // namespace

void add_bench_classify(CLI::App& bench) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = bench.add_subcommand("classify", "CLIP, from pictures to answers");
  command->footer(kHelp);
  add_clip_options(*command, options->clip);
  command->add_option("--batch", options->batch, "Pictures at a time (default: 1)")
      ->type_name("N")
      ->check(between(1, 1024))
      ->group("Measurement");
  command->add_option("--labels", options->labels, "How many labels (default: 100)")
      ->type_name("N")
      ->check(between(1, 1e5))
      ->group("Measurement");
  options->bench.repeat = 10;
  add_bench_options(*command, "480x640", options->bench);
  command->callback([options] {
    options->bench.model.weights = options->clip.weights;
    run(*options);
  });
}

}  // namespace hewn::app
