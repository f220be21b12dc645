#include "eval/html.h"

#include <fmt/format.h>

#include "captions/base64.h"

namespace iclora::eval {
namespace {

constexpr const char* kStyle = R"css(
:root { color-scheme: light dark; --ink: #222226; --soft: #6b6b73; --paper: #fafaf8; --line: #d9d9d4;
        --right: #18783c; --wrong: #be1e1e; --mark: #1f5fd1; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececf0; --soft: #a4a4ac; --paper: #18181b;
        --line: #3a3a40; --right: #5ec98a; --wrong: #ff7b7b; --mark: #7fb0ff; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
       max-width: 1200px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
p, figcaption, .soft { color: var(--soft); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .3rem .8rem; border-bottom: 1px solid var(--line);
         white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
small { color: var(--soft); }
.set { border-top: 1px solid var(--line); padding: 1rem 0; }
.rows { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; } figcaption { font-size: .8rem; max-width: 22rem; }
img { image-rendering: pixelated; display: block; max-width: 100%; }
.right { color: var(--right); } .wrong { color: var(--wrong); }
svg text { fill: var(--ink); font: 13px system-ui, sans-serif; }
svg .axis { stroke: var(--line); } svg .bar { stroke: var(--mark); stroke-width: 2; }
svg .dot { fill: var(--mark); } svg .tick { fill: var(--soft); font-size: 11px; }
)css";

}  // namespace

std::string_view page_style() {
  return kStyle;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string inlined_png(std::string_view png, std::string_view alt, std::string_view attributes) {
  return fmt::format("<img alt=\"{}\" {} src=\"data:image/png;base64,{}\">", escaped(alt),
                     attributes, captions::base64(png));
}

}  // namespace iclora::eval
