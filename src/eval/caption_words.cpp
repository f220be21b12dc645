#include "eval/caption_words.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "core/error.h"
#include "core/json.h"

namespace iclora::eval {
namespace {

constexpr const char* kWords = "words.json";

bool is_letter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         (static_cast<unsigned char>(c) & 0x80) != 0;
}

/// Words with single spaces between them, before and behind; what stands between words is gone, and
/// names in angle brackets are no words: <Rose> is a person.
std::string spaced_words(std::string_view text) {
  std::string out = " ";
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '<') {
      const size_t end = text.find('>', i);
      if (end != std::string_view::npos) i = end;
    }
    if (is_letter(text[i])) {
      out += text[i];
    } else if (out.back() != ' ') {
      out += ' ';
    }
  }
  if (out.back() != ' ') out += ' ';
  return out;
}

/// "ear-of-corn" as it stands in a text, with single spaces.
std::string as_words(const std::string& name) {
  std::string out = spaced_words(name);
  return out.size() > 2 ? out.substr(1, out.size() - 2) : "";
}

bool holds(const std::string& spaced, const std::string& words) {
  return spaced.find(" " + words + " ") != std::string::npos;
}

/// Whether a text names a class: as it is written, or capitalised. SUN is not the sun.
bool names(const std::string& spaced, const std::string& words) {
  if (holds(spaced, words)) return true;
  std::string capital = words;
  capital[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(capital[0])));
  return holds(spaced, capital);
}

std::vector<AskedWord> words_in(const std::vector<ClassPhrase>& phrases, const std::string& text) {
  const std::string spaced = spaced_words(text);
  std::map<std::string, std::vector<std::pair<size_t, int64_t>>> found;
  for (const ClassPhrase& one : phrases) {
    if (names(spaced, one.phrase)) found[one.phrase].emplace_back(one.column, one.index);
  }
  std::vector<AskedWord> out;
  for (auto& [word, readings] : found) {
    // Of "polar bear" and "bear" the longer is meant.
    const bool inside = std::any_of(found.begin(), found.end(), [&, &part = word](const auto& one) {
      return one.first != part && holds(" " + one.first + " ", part);
    });
    if (!inside) out.push_back({word, std::move(readings)});
  }
  return out;
}

/// What words.json has for a class; none where it does not name it.
std::vector<std::string> listed_phrases(const Json& json, const std::string& column,
                                        const std::string& name, const std::string& origin) {
  const auto words = json.find("words");
  if (words == json.end() || !words->is_object()) {
    fail_input("{}: 'words' must be a map of columns; tools/world/draw words makes such a file.",
               origin);
  }
  std::vector<std::string> out;
  const auto classes = words->find(column);
  if (classes == words->end() || !classes->is_object() || !classes->contains(name)) return out;
  for (const Json& phrase : classes->at(name)) {
    if (!phrase.is_string()) {
      fail_input("{}: '{}' of '{}' must be a list of texts.", origin, printable(name),
                 printable(column));
    }
    out.push_back(phrase.get<std::string>());
  }
  return out;
}

bool share_a_column(const AskedWord& a, const AskedWord& b) {
  return std::any_of(a.readings.begin(), a.readings.end(), [&](const auto& one) {
    return std::any_of(b.readings.begin(), b.readings.end(),
                       [&](const auto& other) { return one.first == other.first; });
  });
}

}  // namespace

std::vector<ClassPhrase> class_phrases(const Classifier& classifier,
                                       const std::filesystem::path& file) {
  const std::filesystem::path words = file.parent_path() / kWords;
  std::vector<ClassPhrase> out;
  const auto add = [&](const std::string& text, size_t column, size_t index) {
    const std::string phrase = as_words(text);
    if (!phrase.empty()) out.push_back({phrase, column, static_cast<int64_t>(index)});
  };
  std::error_code ignored;
  const bool listed = std::filesystem::exists(words, ignored);
  const std::string origin = "'" + printable(words.native(), 400) + "'";
  const Json json = listed ? read_json(words) : Json::object();
  if (listed) json_integer(json, "version", origin, 1, 1);
  for (size_t column = 0; column < classifier.columns.size(); ++column) {
    const Column& about = classifier.columns[column];
    for (size_t index = 0; index < about.classes.size(); ++index) {
      const std::string& name = about.classes[index];
      if (!listed) {
        add(name, column, index);
        continue;
      }
      for (const std::string& phrase : listed_phrases(json, about.name, name, origin)) {
        add(phrase, column, index);
      }
    }
  }
  return out;
}

std::vector<std::vector<AskedWord>> asked_words(const std::vector<ClassPhrase>& phrases,
                                                const captions::JointCaption& caption,
                                                size_t panels) {
  std::vector<std::vector<AskedWord>> own(panels);
  for (size_t i = 0; i < std::min(panels, caption.panels.size()); ++i) {
    own[i] = words_in(phrases, caption.panels[i]);
  }
  std::vector<AskedWord> all = words_in(phrases, caption.overall);
  for (const auto& words : own) all.insert(all.end(), words.begin(), words.end());
  std::vector<std::vector<AskedWord>> out = own;
  for (size_t i = 0; i < panels; ++i) {
    for (const AskedWord& word : all) {
      // Against what was taken over too: of two panels that tell different things, the first
      // counts.
      const bool told = std::any_of(out[i].begin(), out[i].end(), [&](const AskedWord& one) {
        return share_a_column(one, word);
      });
      if (!told) out[i].push_back(word);
    }
  }
  return out;
}

double words_read(const Classifier& classifier, const std::vector<std::vector<AskedWord>>& asked,
                  const at::Tensor& logits) {
  std::vector<at::Tensor> likely;  // a column each, [panels, classes]
  for (const Column& column : classifier.columns) {
    const auto count = static_cast<int64_t>(column.classes.size());
    likely.push_back(at::softmax(logits.narrow(1, column.first, count), 1));
  }
  double sum = 0;
  int64_t words = 0;
  for (size_t panel = 0; panel < asked.size(); ++panel) {
    for (const AskedWord& word : asked[panel]) {
      double best = 0;
      for (const auto& [column, index] : word.readings) {
        best = std::max(best, likely[column][static_cast<int64_t>(panel)][index].item<double>());
      }
      sum += best;
      ++words;
    }
  }
  if (words == 0) fail(ErrorKind::internal, "words_read: no word is asked of any panel.");
  return sum / static_cast<double>(words);
}

}  // namespace iclora::eval
