// hewn tokenize: the tokens of texts, as CLIP's text tower sees them.
#include "hewn/models/clip/tokenizer.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/files/safetensors.h"
#include "hewn/runtime/naming.h"

#include <cstddef>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "app/commands/commands.h"
#include "app/options/clip_options.h"
#include "app/options/options.h"
#include "app/output/report.h"
#include "app/output/text_lines.h"

namespace hewn::app {

namespace {

namespace fs = std::filesystem;

constexpr const char* kHelp = R"(Examples:
  hewn tokenize "a photo of a cat." --weights clip.safetensors
  hewn tokenize "a cat" "a dog" --weights clip.safetensors --json -
  hewn tokenize --texts-file labels.txt --weights clip.safetensors --json tokens.json
  hewn tokenize --weights clip.safetensors -- "-5 degrees"

A piece that ends in </w> is the end of a word. What is longer than 77 tokens is cut: start of text,
the first 75, and end of text are left. The command line takes a text in [brackets] for a list of
texts between commas; --texts-file takes it for a text.)";

struct Options {
  std::vector<std::string> texts;
  /// Has the texts as they came: what is parsed takes {} for nothing.
  const CLI::Option* given = nullptr;
  fs::path texts_file, weights;
  ReportFiles report;
  CommonOptions common;
};

/// A text, and what messages call it.
struct NamedText {
  std::string name;
  std::string text;
};

std::vector<NamedText> named_texts(const Options& options) {
  std::vector<NamedText> texts;
  for (const std::string& text : options.given->results()) {
    texts.push_back({.name = text_of("text ", texts.size() + 1), .text = text});
  }
  if (options.texts_file.empty()) return texts;
  std::size_t line = 0;
  for (const std::string& text : read_lines(options.texts_file)) {
    texts.push_back({.name = text_of(options.texts_file.string(), ":", ++line), .text = text});
  }
  return texts;
}

/// The text, then its tokens and their pieces.
void describe(const Tokenizer& tokenizer, const std::string& text, const ClipText& result,
              std::ostream& out) {
  out << Json(text) << ": ";
  if (result.truncated) out << "cut to ";
  out << result.tokens.size() << " tokens\n ";
  for (const std::int32_t token : result.tokens) {
    out << ' ' << token << ' ' << tokenizer.piece(token);
  }
  out << '\n';
}

void run(const Options& options) {
  if (options.given->empty() && options.texts_file.empty()) {
    throw UsageError("no texts: give TEXT or --texts-file F");
  }
  Report report(options.report, options.common.quiet);
  report.files().protect({options.weights, options.texts_file});
  report.expect();

  const Tokenizer tokenizer{SafetensorsFile(options.weights)};
  Json texts = Json::array();
  for (const NamedText& text : named_texts(options)) {
    const ClipText result =
        detail::naming(text.name, [&] { return tokenizer.encode_context(text.text); });
    describe(tokenizer, text.text, result, report.said());
    texts.push_back(
        {{"text", text.text}, {"tokens", result.tokens}, {"truncated", result.truncated}});
  }
  report.publish({{"texts", std::move(texts)}});
}

void add_options(CLI::App& command, Options& options) {
  options.given = add_argument(command, "TEXT", options.texts, "Texts, in UTF-8");
  command.add_option("--texts-file", options.texts_file, "More texts, one a line")->type_name("F");
  add_clip_weights(command, options.weights);
  OptionGroup(command, "Output")
      .add("--json", options.report.json, "F", "Write the tokens as JSON ('-' prints it)");
}

}  // namespace

void add_tokenize(CLI::App& parent) {
  add_command<Options>(parent, "tokenize", "Turn texts into tokens, as CLIP does", kHelp,
                       add_options, run);
}

}  // namespace hewn::app
