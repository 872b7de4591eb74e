// hewn match: which keypoints of two pictures show the same, and how one picture lies in the other.
#include "hewn/models/tasks/matching/homography.h"
#include "hewn/models/tasks/matching/matching.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/pictures/image.h"

#include <filesystem>
#include <iomanip>
#include <ostream>
#include <vector>

#include "app/commands/commands.h"
#include "app/drawing/keypoint_drawing.h"
#include "app/options/options.h"
#include "app/output/report.h"
#include "app/tasks/features.h"

namespace hewn::app {

namespace {

namespace fs = std::filesystem;

constexpr const char* kHelp = R"(Examples:
  hewn match object.png scene.png --weights superpoint.safetensors --draw matches.png
  hewn match left.jpg right.jpg --weights superpoint.safetensors --ratio 0.9 --json -

Two keypoints match when each one's descriptor is the other's nearest. RANSAC then looks for the
homography that takes most keypoints of A to their partners in B: a plane seen twice, or two
pictures from one place. Scenes with depth seen from two places have none, and only some inliers.)";

/// Four inliers agree by construction; as many again, hardly by chance among good matches.
constexpr std::int64_t kFewInliers = 8;

struct Options {
  fs::path a, b;
  CommonOptions common;
  ModelOptions model;
  FeatureOptions features;
  MatchOptions matching;
  RansacOptions ransac;
  ReportFiles report;
  fs::path draw;
};

struct Matching {
  Features a, b;
  std::vector<Match> matches;
  HomographyEstimate estimate;
};

void add_options(CLI::App& command, Options& options) {
  add_argument(command, "A", options.a, "First picture: PNG, JPEG or PNM")->required();
  add_argument(command, "B", options.b, "Second picture")->required();
  add_model_options(command, kSuperPoint, options.model);
  add_keypoint_options(command, options.features.keypoints);
  const OptionGroup matching(command, "Matching");
  matching
      .add("--ratio", options.matching.ratio, "R",
           "Ratio test: a match must be nearer than R times the second nearest (default: 1, no "
           "test; 0.9 is strict for learned descriptors)")
      ->check(above(0, 1));
  matching
      .add("--ransac-threshold", options.ransac.threshold, "PX",
           "An inlier lies this near to where the homography puts it, in pixels of B (default: 3)")
      ->check(above(0, 1e6));
  matching.add("--seed", options.ransac.seed, "S", "Draws the samples of RANSAC (default: 0)")
      ->check(at_least(0));
  const OptionGroup output(command, "Output");
  output.add("--json", options.report.json, "F",
             "Write all that was found as JSON ('-' prints it)");
  output.add("--draw", options.draw, "F.png",
             "Draw both pictures side by side, inliers joined in green, others in red, and the "
             "outline of A in B");
}

Matching find_matches(const Options& options) {
  Context ctx = make_context(options.common);
  const SuperPoint model = load_superpoint(options.model, options.common);
  require_descriptors(model, options.model, "match");
  Matching found;
  found.a = extract_features(model, read_gray(options.a), options.features, ctx);
  found.b = extract_features(model, read_gray(options.b), options.features, ctx);
  found.matches =
      match_mutual(found.a.descriptors.view(), found.b.descriptors.view(), options.matching, ctx);
  std::vector<Correspondence> points;
  for (const Match& match : found.matches) {
    const Keypoint& a = found.a.keypoints[static_cast<std::size_t>(match.a)];
    const Keypoint& b = found.b.keypoints[static_cast<std::size_t>(match.b)];
    points.push_back({{a.x, a.y}, {b.x, b.y}});
  }
  found.estimate = estimate_homography(points, options.ransac);
  return found;
}

const char* status_text(HomographyStatus status) {
  switch (status) {
    case HomographyStatus::found:
      return "found";
    case HomographyStatus::too_few:
      return "none: fewer than 4 matches";
    case HomographyStatus::degenerate:
      return "none: no four matches agree, or those that do lie on a line";
  }
  fail("homography: no such status ", static_cast<int>(status));
}

Json homography_json(const HomographyEstimate& estimate) {
  if (estimate.status != HomographyStatus::found) return nullptr;
  Json rows = Json::array();
  for (const auto& row : estimate.homography.rowwise()) rows.push_back({row[0], row[1], row[2]});
  return rows;
}

Json matches_json(const Matching& found) {
  Json list = Json::array();
  for (std::size_t i = 0; i < found.matches.size(); ++i) {
    const Match& match = found.matches[i];
    list.push_back({{"a", match.a},
                    {"b", match.b},
                    {"similarity", shortest(match.similarity)},
                    {"inlier", static_cast<bool>(found.estimate.inliers[i])}});
  }
  return list;
}

Json to_json(const Options& options, const Matching& found) {
  return {{"weights", weights_name(options.model)},
          {"a", to_json(options.a, found.a, false)},
          {"b", to_json(options.b, found.b, false)},
          {"matches", matches_json(found)},
          {"homography_status", status_text(found.estimate.status)},
          {"homography", homography_json(found.estimate)},
          {"inliers", found.estimate.inlier_count}};
}

void describe(const Options& options, const Matching& found, std::ostream& out) {
  const HomographyEstimate& estimate = found.estimate;
  out << summary(options.a, found.a) << '\n' << summary(options.b, found.b) << '\n';
  out << found.matches.size() << " matches";
  if (estimate.status != HomographyStatus::found) {
    out << "; homography: " << status_text(estimate.status) << '\n';
    return;
  }
  out << ", " << estimate.inlier_count << " of them inliers of the homography from A to B:\n";
  for (const auto& row : estimate.homography.rowwise()) {
    for (const double value : row) out << std::setw(14) << std::setprecision(6) << value;
    out << '\n';
  }
  if (estimate.inlier_count < kFewInliers) {
    out << "So few inliers may agree by chance.\n";
  }
}

void run(const Options& options) {
  Report report(options.report, options.common.quiet);
  OutputFiles& files = report.files();
  files.protect({options.model.weights, options.a, options.b});
  report.expect();
  files.expect_any("--draw", options.draw);
  const Matching found = find_matches(options);
  if (!options.draw.empty()) {
    write_png(files.staged(options.draw),
              draw_matches(found.a, found.b, found.matches, found.estimate));
  }
  describe(options, found, report.said());
  report.publish(to_json(options, found));
}

}  // namespace

void add_match(CLI::App& parent) {
  add_command<Options>(parent, "match", "Match the keypoints of two pictures", kHelp, add_options,
                       run);
}

}  // namespace hewn::app
