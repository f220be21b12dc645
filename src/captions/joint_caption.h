#pragma once
// Joint captions: one text that describes a whole set and then each panel, parts introduced by
// markers. The style of the markers is the caption's dialect.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace iclora::captions {

enum class Dialect {
  scene,    ///< [SCENE-1] [SCENE-2] ...
  image,    ///< [IMAGE1] [IMAGE2] ...
  panel,    ///< [PANEL-1] [PANEL-2] ...
  sides,    ///< [LEFT] [RIGHT]
  halves,   ///< [TOP] [BOTTOM]
  corners,  ///< [TOP-LEFT] [TOP-RIGHT] [BOTTOM-LEFT] [BOTTOM-RIGHT]
};

/// "scene", "image", ... or the first marker ("[LEFT]", "top-left"), in any case. Error (exit 2)
/// that lists the names.
Dialect dialect_from_name(std::string_view name);
std::string_view name_of(Dialect dialect);

/// Rows and columns of panels.
struct GridSize {
  int64_t rows = 1;
  int64_t columns = 1;
  bool operator==(const GridSize&) const = default;
};

struct JointCaption {
  std::string trigger;  ///< a word or tag that stands first, such as [MOVIE-SHOTS]
  std::string overall;
  std::vector<std::string> panels;
  bool operator==(const JointCaption&) const = default;
};

/// The dialect of a grid where none is named: sides for 1x2, halves for 2x1, corners for 2x2, else
/// scene.
Dialect default_dialect(const GridSize& grid);
/// Markers of all panels in reading order. Error (exit 2) when the dialect has not that many.
std::vector<std::string> markers(Dialect dialect, int64_t panels);

/// TRIGGER OVERALL MARKER1 PART1 MARKER2 PART2 ..., single spaces, empty pieces left out. With one
/// panel no marker is written.
std::string render(const JointCaption& caption, Dialect dialect);

/// What each of `panels` panels reads where it has a caption of its own: the joint caption of that
/// panel alone, TRIGGER OVERALL PART without a marker. A caption without parts says the same of
/// every panel. Error (exit 2) for another number of parts.
std::vector<std::string> panel_captions(const JointCaption& caption, size_t panels);

/// Runs of white space as one space, none at the ends: how pieces stand in a rendered caption.
std::string squeeze(std::string_view text);

struct Parsed {
  JointCaption caption;
  std::optional<Dialect> dialect;  ///< none where the text has no markers
  GridSize grid;                   ///< that the markers imply: Nx1 for scene, image and panel
};

/// Reads a joint caption. Markers count where they come complete and in order from the first; a tag
/// in brackets before the overall text is the trigger. What has no markers is the overall text.
/// For pieces without surplus spaces, parse(render(c)) gives c.
Parsed parse(std::string_view text);

/// Reads what render(caption, dialect) gave for a caption of `panels` (2 or more) panels that
/// begins with `trigger`, and gives exactly that caption: for pieces without surplus spaces, in
/// which markers of this dialect do not stand. None for a text that is not so.
std::optional<JointCaption> parse_as(std::string_view text, Dialect dialect, size_t panels,
                                     std::string_view trigger);

}  // namespace iclora::captions
