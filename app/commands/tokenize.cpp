// hewn tokenize: the tokens of texts, as CLIP's text tower sees them.
#include "hewn/models/clip/tokenizer.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/files/safetensors.h"

#include <cstddef>
#include <filesystem>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "app/commands/commands.h"
#include "app/options/clip_options.h"
#include "app/options/options.h"
#include "app/output/json_text.h"
#include "app/output/output_files.h"
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
  fs::path texts_file, weights, json;
  CommonOptions common;
};

/// A text, and what messages call it.
struct NamedText {
  std::string name;
  std::string text;
};

std::vector<NamedText> named_texts(const Options& options) {
  std::vector<NamedText> texts;
  for (const std::string& text : options.texts) {
    texts.push_back({.name = text_of("text ", texts.size() + 1), .text = text});
  }
  if (options.texts_file.empty()) return texts;
  std::size_t line = 0;
  for (const std::string& text : read_lines(options.texts_file)) {
    texts.push_back({.name = text_of(options.texts_file.string(), ":", ++line), .text = text});
  }
  return texts;
}

ClipText tokenize(const Tokenizer& tokenizer, const NamedText& text) {
  try {
    return tokenizer.encode_context(text.text);
  } catch (const Error& error) {
    fail(text.name, ": ", error.what());
  }
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
  if (options.texts.empty() && options.texts_file.empty()) {
    throw UsageError("no texts: give TEXT or --texts-file F");
  }
  OutputFiles outputs;
  outputs.protect(options.weights);
  if (!options.texts_file.empty()) outputs.protect(options.texts_file);
  const bool prints_json = is_standard_output(options.json);
  if (!options.json.empty() && !prints_json) outputs.expect("--json", options.json);

  const Tokenizer tokenizer{SafetensorsFile(options.weights)};
  std::ostringstream report;
  Json texts = Json::array();
  for (const NamedText& text : named_texts(options)) {
    const ClipText result = tokenize(tokenizer, text);
    describe(tokenizer, text.text, result, report);
    texts.push_back(
        {{"text", text.text}, {"tokens", result.tokens}, {"truncated", result.truncated}});
  }
  if (!options.json.empty()) {
    write_json(options.json, {{"texts", std::move(texts)}}, outputs);
    outputs.commit();
  }
  if (!options.common.quiet && !prints_json) std::cout << report.str();
}

}  // namespace

void add_tokenize(CLI::App& parent) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = parent.add_subcommand("tokenize", "Turn texts into tokens, as CLIP does");
  command->footer(kHelp);
  const CLI::Option* texts =
      command->add_option("TEXT", options->texts, "Texts, in UTF-8")->type_name("");
  command->add_option("--texts-file", options->texts_file, "More texts, one a line")
      ->type_name("F");
  add_clip_weights(*command, options->weights);
  command->add_option("--json", options->json, "Write the tokens as JSON ('-' prints it)")
      ->type_name("F")
      ->group("Output");
  add_common_options(*command, options->common);
  command->callback([options, texts] {
    options->texts = texts->results();  // as given: what is parsed takes {} for nothing
    run(*options);
  });
}

}  // namespace hewn::app
