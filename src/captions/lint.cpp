#include "captions/lint.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "captions/lost_end.h"
#include "core/error.h"
#include "core/nearest.h"

namespace iclora::captions {
namespace {

/// A marker as it stands in a text, or what was meant as one.
struct Mark {
  Dialect dialect = Dialect::scene;
  int64_t number = 0;  ///< from 1; what numbered markers say, also 0
  size_t at = 0;
  std::string written;
  std::string meant;
  bool exact() const { return written == meant; }
};

constexpr std::array<Dialect, 6> kDialects = {Dialect::scene, Dialect::image,  Dialect::panel,
                                              Dialect::sides, Dialect::halves, Dialect::corners};

bool is_inside(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == ' ';
}

/// Upper case without what separates: "scene 1" and "SCENE-1" become SCENE1.
std::string core_of(std::string_view inside) {
  std::string core;
  for (const char c : inside) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0) core.push_back(static_cast<char>(std::toupper(byte)));
  }
  return core;
}

std::optional<Mark> mark_of(const std::string& core) {
  for (const Dialect dialect : {Dialect::corners, Dialect::sides, Dialect::halves}) {
    const std::vector<std::string> list = markers(dialect, dialect == Dialect::corners ? 4 : 2);
    for (size_t i = 0; i < list.size(); ++i) {
      if (core_of(list[i]) == core) {
        return Mark{dialect, static_cast<int64_t>(i) + 1, 0, "", list[i]};
      }
    }
  }
  for (const Dialect dialect : {Dialect::scene, Dialect::image, Dialect::panel}) {
    const std::string first = markers(dialect, 1)[0];  // such as [SCENE-1]
    const std::string word = core_of(first.substr(0, first.size() - 2));
    const std::string digits = core.starts_with(word) ? core.substr(word.size()) : "";
    const bool number =
        !digits.empty() && digits.size() <= 4 &&
        std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!number) continue;
    const int64_t value = std::stoll(digits);
    return Mark{dialect, value, 0, "",
                first.substr(0, first.size() - 2) + std::to_string(value) + "]"};
  }
  return std::nullopt;
}

std::vector<Mark> marks_in(std::string_view text) {
  constexpr size_t kLongest = 20;
  std::vector<Mark> marks;
  for (size_t at = text.find('['); at != std::string_view::npos; at = text.find('[', at + 1)) {
    size_t end = at + 1;
    while (end < text.size() && end - at <= kLongest && is_inside(text[end])) ++end;
    const bool closed = end < text.size() && text[end] == ']';
    std::string_view inside = text.substr(at + 1, end - at - 1);
    // Without its closing bracket, the first word is all that can have been meant.
    if (!closed) inside = inside.substr(0, std::min(inside.find(' '), inside.size()));
    auto mark = mark_of(core_of(inside));
    if (!mark) continue;
    mark->at = at;
    mark->written = std::string(text.substr(at, inside.size() + (closed ? 2 : 1)));
    marks.push_back(std::move(*mark));
  }
  return marks;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " and " : ", ";
    text += words[i];
  }
  return text;
}

/// The dialect with the most different markers; of equals, the one that comes first.
Dialect main_dialect(const std::vector<Mark>& marks) {
  Dialect best = marks[0].dialect;
  size_t most = 0;
  size_t earliest = 0;
  for (const Dialect dialect : kDialects) {
    std::vector<int64_t> numbers;
    size_t first = std::string::npos;
    for (const Mark& mark : marks) {
      if (mark.dialect != dialect) continue;
      if (std::find(numbers.begin(), numbers.end(), mark.number) == numbers.end()) {
        numbers.push_back(mark.number);
      }
      first = std::min(first, mark.at);
    }
    if (numbers.size() > most || (numbers.size() == most && most > 0 && first < earliest)) {
      best = dialect;
      most = numbers.size();
      earliest = first;
    }
  }
  return best;
}

bool is_fixed(Dialect dialect) {
  return dialect == Dialect::sides || dialect == Dialect::halves || dialect == Dialect::corners;
}

/// The markers of one dialect that should be there, given those that are.
std::vector<std::string> expected_markers(Dialect dialect, const std::vector<Mark>& marks) {
  if (is_fixed(dialect)) return markers(dialect, dialect == Dialect::corners ? 4 : 2);
  int64_t last = 2;
  for (const Mark& mark : marks) {
    // A gap of hundreds is a slip of the pen, not as many missing markers.
    if (mark.dialect == dialect && mark.number <= 64) last = std::max(last, mark.number);
  }
  return markers(dialect, last);
}

void lint_order(Dialect dialect, const std::vector<Mark>& marks, std::vector<Fault>& faults) {
  std::vector<std::string> missing;
  for (const std::string& marker : expected_markers(dialect, marks)) {
    const auto count = std::count_if(marks.begin(), marks.end(),
                                     [&](const Mark& mark) { return mark.meant == marker; });
    if (count == 0) missing.push_back(marker);
    if (count > 1) {
      faults.push_back({true, fmt::format("The marker {} stands {} times.", marker, count),
                        "Keep the one that begins the panel's part."});
    }
  }
  if (!missing.empty()) {
    faults.push_back({true,
                      fmt::format("The marker{} {} {} missing.", missing.size() > 1 ? "s" : "",
                                  joined(missing), missing.size() > 1 ? "are" : "is"),
                      "Begin each panel's part with its marker."});
  }
  const Mark* before = nullptr;
  for (const Mark& mark : marks) {
    if (mark.dialect != dialect) continue;
    if (mark.number < 1 && !is_fixed(dialect)) {
      faults.push_back({true,
                        fmt::format("The marker {} cannot be: numbers begin with 1.", mark.written),
                        "Number the panels from 1."});
    } else if (before != nullptr && mark.number < before->number) {
      faults.push_back({true,
                        fmt::format("The marker {} stands after {}.", mark.meant, before->meant),
                        "Put the parts into reading order."});
    }
    before = &mark;
  }
}

/// <Anna>, as it stands.
struct Name {
  std::string text;
  size_t piece = 0;  ///< 0: overall, else the panel's number
};

/// What stands between angle brackets, and brackets without their other half.
void names_in(std::string_view text, size_t piece, std::vector<Name>& names,
              std::vector<Fault>& faults) {
  const auto where =
      piece == 0 ? std::string("The overall text") : fmt::format("The part of panel {}", piece);
  for (size_t at = text.find_first_of("<>"); at != std::string_view::npos;
       at = text.find_first_of("<>", at + 1)) {
    const size_t end = text.find_first_of("<>", at + 1);
    // An arrow or a comparison is no name: a name begins with a letter right after its bracket.
    const auto next = at + 1 < text.size() ? static_cast<unsigned char>(text[at + 1]) : ' ';
    const bool begins = text[at] == '<' && (std::isalpha(next) != 0 || next >= 0x80);
    if (!begins) {
      const auto last = at > 0 ? static_cast<unsigned char>(text[at - 1]) : ' ';
      if (text[at] == '>' && std::isalpha(last) != 0) {
        faults.push_back(
            {false, fmt::format("{} has a '>' without its '<'.", where), "Write names as <Anna>."});
      }
      continue;
    }
    if (end == std::string_view::npos || text[end] == '<') {
      faults.push_back({false,
                        fmt::format("{} has a name that is not closed: '{}'.", where,
                                    printable(text.substr(at, 20))),
                        "Write names as <Anna>."});
      continue;
    }
    names.push_back({std::string(text.substr(at + 1, end - at - 1)), piece});
    at = end;
  }
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

bool is_word_byte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || (static_cast<unsigned char>(c) & 0x80);
}

/// Whether `name` stands in `text` as a word of its own, outside angle brackets.
bool stands_bare(std::string_view text, std::string_view name) {
  for (size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const size_t end = at + name.size();
    const bool word = (at == 0 || !is_word_byte(text[at - 1])) &&
                      (end == text.size() || !is_word_byte(text[end]));
    const size_t open = text.rfind('<', at);
    const size_t close = open == std::string_view::npos ? open : text.find('>', open);
    const bool bracketed =
        open != std::string_view::npos && close != std::string_view::npos && close >= end;
    if (word && !bracketed) return true;
  }
  return false;
}

std::vector<std::string> distinct(const std::vector<Name>& names,
                                  const std::function<bool(const Name&)>& wanted) {
  std::vector<std::string> list;
  for (const Name& name : names) {
    if (wanted(name) && std::find(list.begin(), list.end(), name.text) == list.end()) {
      list.push_back(name.text);
    }
  }
  return list;
}

/// <Anna> and <anna>, <Anna> and <Ana>: probably one person.
void lint_spelling(const std::vector<std::string>& names, std::vector<Fault>& faults) {
  for (size_t i = 0; i < names.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const bool same_letters = lower(names[i]) == lower(names[j]);
      const std::vector<std::string> other = {lower(names[j])};
      const bool long_enough = names[i].size() >= 4 && names[j].size() >= 4;
      if (!same_letters && !(long_enough && nearest(lower(names[i]), other))) continue;
      faults.push_back({false,
                        fmt::format("The names <{}> and <{}> are nearly the same.",
                                    printable(names[j], 40), printable(names[i], 40)),
                        "Spell a person's name in one way in all panels."});
    }
  }
}

}  // namespace

std::vector<Fault> lint_markers(std::string_view text) {
  std::vector<Fault> faults;
  const std::vector<Mark> marks = marks_in(text);
  if (marks.empty()) return faults;
  const Dialect dialect = main_dialect(marks);
  lint_order(dialect, marks, faults);
  const bool in_order = faults.empty();
  for (const Mark& mark : marks) {
    if (mark.exact()) continue;
    // Beside a full set of markers, what looks like one more may well be prose.
    const bool stray = in_order && mark.dialect != dialect;
    faults.push_back({!stray,
                      fmt::format("'{}' is not how a marker is written.", printable(mark.written)),
                      fmt::format("Write {}.", mark.meant)});
  }
  std::vector<std::string> others;
  for (const Mark& mark : marks) {
    const bool new_one = std::find(others.begin(), others.end(), mark.meant) == others.end();
    if (mark.dialect != dialect && mark.exact() && new_one) others.push_back(mark.meant);
  }
  if (!others.empty()) {
    faults.push_back({false,
                      fmt::format("Markers of two dialects stand side by side: {} beside {}.",
                                  joined(others), expected_markers(dialect, marks)[0]),
                      "Use one dialect in a caption."});
  }
  return faults;
}

std::vector<Fault> lint_pieces(const JointCaption& caption, size_t panels) {
  std::vector<Fault> faults;
  if (panels < 2) return faults;
  if (caption.panels.empty()) {
    faults.push_back({false, fmt::format("The caption of {} panels has no markers.", panels),
                      "Describe each panel after a marker such as [SCENE-1]."});
  } else if (squeeze(caption.overall).empty()) {
    faults.push_back({false, "The caption has no overall text before the first marker.",
                      "Begin with one sentence about the whole set."});
  }
  for (size_t i = 0; i < caption.panels.size(); ++i) {
    if (squeeze(caption.panels[i]).empty()) {
      faults.push_back({false, fmt::format("The part of panel {} is empty.", i + 1),
                        "Describe what this panel shows."});
    }
  }
  return faults;
}

std::vector<Fault> lint_inner_markers(const JointCaption& caption) {
  std::vector<Fault> faults;
  if (caption.panels.empty()) return faults;
  for (size_t i = 0; i <= caption.panels.size(); ++i) {
    for (const Mark& mark : marks_in(i == 0 ? caption.overall : caption.panels[i - 1])) {
      const auto where =
          i == 0 ? std::string("The overall text") : fmt::format("The part of panel {}", i);
      if (mark.exact()) {
        faults.push_back({true, fmt::format("{} holds the marker {}.", where, mark.meant),
                          "Leave markers out: they are put between the pieces."});
      } else {
        faults.push_back({false,
                          fmt::format("{} holds '{}', which looks like a marker.", where,
                                      printable(mark.written)),
                          "Write it without brackets."});
      }
    }
  }
  return faults;
}

std::vector<Fault> lint_names(const JointCaption& caption) {
  std::vector<Fault> faults;
  std::vector<Name> names;
  names_in(caption.overall, 0, names, faults);
  for (size_t i = 0; i < caption.panels.size(); ++i) {
    names_in(caption.panels[i], i + 1, names, faults);
  }
  const auto all = distinct(names, [](const Name&) { return true; });
  lint_spelling(all, faults);
  for (const std::string& name : all) {
    std::vector<std::string> where;
    if (stands_bare(caption.overall, name)) where.emplace_back("the overall text");
    for (size_t i = 0; i < caption.panels.size(); ++i) {
      if (stands_bare(caption.panels[i], name)) where.push_back(fmt::format("panel {}", i + 1));
    }
    if (where.empty()) continue;
    faults.push_back({false,
                      fmt::format("The name <{}> stands without its brackets in {}.",
                                  printable(name, 40), joined(where)),
                      "Write it the same way everywhere."});
  }
  const auto introduced = distinct(names, [](const Name& name) { return name.piece == 0; });
  if (introduced.empty()) return faults;
  for (const std::string& name : distinct(names, [](const Name& n) { return n.piece > 0; })) {
    if (std::find(introduced.begin(), introduced.end(), name) != introduced.end()) continue;
    faults.push_back({false,
                      fmt::format("The name <{}> stands in a panel's part, but the overall text "
                                  "introduces only <{}>.",
                                  printable(name, 40), printable(joined(introduced), 100)),
                      "Introduce everyone in the overall text, or use the names it has."});
  }
  return faults;
}

std::vector<Fault> lint_length(std::string_view rendered, int64_t limit,
                               const std::function<int64_t(std::string_view)>& count_tokens) {
  const std::string lost = lost_end(rendered, limit, count_tokens);
  if (lost.empty()) return {};
  return {{true,
           fmt::format("The caption has {} tokens, but the text encoder reads {}; {}.",
                       count_tokens(rendered), limit, lost),
           "Shorten it."}};
}

}  // namespace iclora::captions
