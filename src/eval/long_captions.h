#pragma once
// Captions that are drawn, but not read to their end: what is measured then is not the model.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "sampling/method.h"
#include "sampling/text_length.h"

namespace iclora::eval {

/// What T5 does not read of the captions of one file or folder.
class LongCaptions {
 public:
  /// `limit`: T5 tokens that are read. `model` outlives this.
  LongCaptions(const sampling::OpenModel& model, int64_t limit);

  /// The joint caption of the set `id` for `panels` panels. One id may come again, as another row
  /// reads it (its trigger, its markers, its method): the longest of them is told of. Error (exit
  /// 2) as sampling::captions_of.
  void add(const std::string& id, const std::string& caption, size_t panels,
           sampling::Method method);

  /// One sentence: how many of the captions lose their ends, what of the first ones is lost, and
  /// what to do (`option`: where the limit is set). Empty where all are read.
  std::string warning(const std::filesystem::path& file, std::string_view option) const;
  /// Writes that warning, if there is one.
  void warn(const std::filesystem::path& file, std::string_view option) const;

 private:
  struct Loss {
    size_t place = 0;    ///< among all ids, as they came
    int64_t tokens = 0;  ///< 0: all is read
    std::string told;
  };

  int64_t limit_;
  captions::CountTokens count_;
  std::map<std::string, Loss> losses_;  ///< by id
};

}  // namespace iclora::eval
