#pragma once
// A comparison as one HTML page that needs nothing else: tables, plots and pictures inlined.

#include <filesystem>
#include <string>

#include "study/study.h"

namespace iclora::study {

/// Texts out of files are escaped. `cells`: the folder that holds the cells' pictures; one that
/// cannot be read is left out.
std::string study_page(const Study& study, const std::filesystem::path& cells);

}  // namespace iclora::study
