#include "weights/safetensors.h"

#include <algorithm>
#include <cstring>
#include <tuple>

#include "core/error.h"
#include "core/json.h"

namespace iclora::weights {
namespace {

constexpr uint64_t kMaximumHeader = 100'000'000;
constexpr size_t kMaximumAxes = 16;

/// Reads the header as it is parsed, without building a document: a hostile header of 100 MB costs
/// no more memory than the tensors it names, and the first broken rule ends it.
class HeaderReader final : public nlohmann::json_sax<Json> {
 public:
  explicit HeaderReader(std::string origin) : origin_(std::move(origin)) {}

  std::vector<TensorEntry> entries;
  std::map<std::string, std::string> metadata;

  bool start_object(std::size_t) override {
    ++depth_;
    if (depth_ == 1) return true;
    if (depth_ == 2 && in_array_ == 0) {
      if (!in_metadata_) fields_ = {};
      return true;
    }
    bad_value("an object");
  }

  bool key(string_t& name) override {
    if (depth_ == 1) {
      if (name == "__metadata__") {
        if (seen_metadata_) {
          fail_input("{}: '__metadata__' stands twice in the header.", origin_);
        }
        seen_metadata_ = true;
        in_metadata_ = true;
        return true;
      }
      in_metadata_ = false;
      entries.emplace_back();
      entries.back().name = name;
      return true;
    }
    field_ = name;
    if (in_metadata_) {
      if (metadata.contains(name)) {
        fail_input("{}: the metadata key '{}' stands twice.", origin_, printable(name));
      }
      return true;
    }
    bool* const seen = name == "dtype"          ? &fields_.dtype
                       : name == "shape"        ? &fields_.shape
                       : name == "data_offsets" ? &fields_.offsets
                                                : nullptr;
    if (seen == nullptr) {
      fail_input("{}: tensor '{}' has an unknown field '{}'.", origin_, tensor(), printable(name));
    }
    if (*seen) {
      fail_input("{}: tensor '{}' has the field '{}' twice.", origin_, tensor(), printable(name));
    }
    *seen = true;
    return true;
  }

  bool end_object() override {
    if (depth_ == 2 && !in_metadata_) {
      if (!fields_.dtype || !fields_.shape || !fields_.offsets || fields_.offset_count != 2) {
        fail_input("{}: tensor '{}' needs 'dtype', 'shape' and two 'data_offsets'.", origin_,
                   tensor());
      }
    }
    --depth_;
    in_metadata_ = in_metadata_ && depth_ >= 2;
    return true;
  }

  bool start_array(std::size_t) override {
    if (depth_ != 2 || in_metadata_ || in_array_ != 0 ||
        (field_ != "shape" && field_ != "data_offsets")) {
      bad_value("a list");
    }
    in_array_ = 1;
    return true;
  }
  bool end_array() override {
    in_array_ = 0;
    return true;
  }

  bool string(string_t& value) override {
    if (depth_ == 2 && in_metadata_) {
      metadata.emplace(field_, value);
      return true;
    }
    if (depth_ == 2 && in_array_ == 0 && field_ == "dtype") {
      const auto dtype = dtype_from_name(value);
      if (!dtype) {
        fail_input(
            "{}: tensor '{}' has the dtype '{}', which is not supported (F64, F32, F16, "
            "BF16, F8_E4M3, F8_E5M2, I64, I32, I16, I8, U8 and BOOL are).",
            origin_, tensor(), printable(value));
      }
      entries.back().dtype = *dtype;
      return true;
    }
    bad_value("a text");
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (in_array_ == 0) bad_value("a number");
    if (field_ == "shape") {
      auto& shape = entries.back().shape;
      if (value > static_cast<uint64_t>(INT64_MAX)) bad_value("a number above 2^63");
      if (shape.size() == kMaximumAxes) {
        fail_input("{}: tensor '{}' has more than {} axes.", origin_, tensor(), kMaximumAxes);
      }
      shape.push_back(static_cast<int64_t>(value));
    } else {
      if (fields_.offset_count == 0) entries.back().begin = value;
      if (fields_.offset_count == 1) entries.back().end = value;
      ++fields_.offset_count;
    }
    return true;
  }
  bool number_integer(number_integer_t) override { bad_value("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { bad_value("a fraction"); }
  bool null() override { bad_value("null"); }
  bool boolean(bool) override { bad_value("true or false"); }
  bool binary(binary_t&) override { bad_value("binary data"); }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    std::string what = error.what();
    if (const size_t end = what.find("] "); end != std::string::npos) what.erase(0, end + 2);
    fail_input(
        "{}: the header is not valid JSON near byte {} ({}); the file is damaged or of "
        "another kind.",
        origin_, 8 + position, printable(what, 160));
  }

 private:
  std::string tensor() const { return entries.empty() ? "" : printable(entries.back().name); }

  [[noreturn]] void bad_value(const char* found) const {
    if (depth_ == 0) fail_input("{}: the header must be a JSON object, but is {}.", origin_, found);
    if (in_metadata_) {
      fail_input("{}: '__metadata__' must hold texts only, but '{}' is {}.", origin_,
                 printable(field_), found);
    }
    if (depth_ == 1) {
      fail_input("{}: tensor '{}' must be an object, but is {}.", origin_, tensor(), found);
    }
    fail_input("{}: tensor '{}': '{}' must be {}, but holds {}.", origin_, tensor(),
               printable(field_), field_ == "dtype" ? "a text" : "a list of whole numbers", found);
  }

  struct Fields {
    bool dtype = false;
    bool shape = false;
    bool offsets = false;
    int offset_count = 0;
  };

  std::string origin_;
  std::string field_;
  Fields fields_;
  int depth_ = 0;
  int in_array_ = 0;
  bool in_metadata_ = false;
  bool seen_metadata_ = false;
};

/// elements * size, refused where it does not fit 64 bits.
uint64_t byte_count(const TensorEntry& entry, const std::string& origin) {
  uint64_t count = size_of(entry.dtype);
  for (const int64_t axis : entry.shape) {
    if (__builtin_mul_overflow(count, static_cast<uint64_t>(axis), &count)) {
      fail_input("{}: the shape of tensor '{}' is larger than any file.", origin,
                 printable(entry.name));
    }
  }
  return count;
}

void check_names(const std::vector<TensorEntry>& entries, const std::string& origin) {
  std::vector<const std::string*> names;
  names.reserve(entries.size());
  for (const TensorEntry& entry : entries) names.push_back(&entry.name);
  std::sort(names.begin(), names.end(), [](const auto* a, const auto* b) { return *a < *b; });
  const auto twice = std::adjacent_find(names.begin(), names.end(),
                                        [](const auto* a, const auto* b) { return *a == *b; });
  if (twice != names.end()) {
    fail_input("{}: the tensor '{}' stands twice in the header.", origin, printable(**twice));
  }
}

void check_entries(std::vector<TensorEntry>& entries, uint64_t data_size,
                   const std::string& origin) {
  check_names(entries, origin);
  std::stable_sort(entries.begin(), entries.end(), [](const TensorEntry& a, const TensorEntry& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  uint64_t position = 0;
  const TensorEntry* before = nullptr;
  for (const TensorEntry& entry : entries) {
    const std::string name = printable(entry.name);
    if (entry.end < entry.begin) {
      fail_input("{}: tensor '{}' ends at byte {} before it begins at {}.", origin, name, entry.end,
                 entry.begin);
    }
    if (entry.end > data_size) {
      fail_input(
          "{}: tensor '{}' ends at byte {} of the data, but the file holds {}; the file is "
          "truncated or damaged.",
          origin, name, entry.end, data_size);
    }
    const uint64_t expected = byte_count(entry, origin);
    if (entry.end - entry.begin != expected) {
      fail_input("{}: tensor '{}' needs {} bytes for its shape and dtype, but its offsets span {}.",
                 origin, name, expected, entry.end - entry.begin);
    }
    if (entry.begin < position) {
      fail_input(
          "{}: tensor '{}' overlaps the tensor before it (it begins at byte {}, free from "
          "{}).",
          origin, name, entry.begin, position);
    }
    if (entry.begin > position) {
      fail_input("{}: there is a hole of {} bytes before tensor '{}'.", origin,
                 entry.begin - position, name);
    }
    // Any number of them could hide at one place.
    if (before != nullptr && before->begin == entry.end) {
      fail_input("{}: the tensors '{}' and '{}' are both empty at the same byte {}.", origin,
                 printable(before->name), name, entry.begin);
    }
    before = &entry;
    position = entry.end;
  }
  if (position != data_size) {
    fail_input("{}: {} bytes follow the last tensor; the header does not account for them.", origin,
               data_size - position);
  }
}

}  // namespace

std::shared_ptr<const SafetensorsFile> SafetensorsFile::open(const std::filesystem::path& path) {
  return std::shared_ptr<const SafetensorsFile>(new SafetensorsFile(MappedFile::open(path)));
}

SafetensorsFile::SafetensorsFile(std::shared_ptr<const MappedFile> file) : file_(std::move(file)) {
  const std::string origin = "'" + printable(file_->path().native(), 400) + "'";
  const auto bytes = file_->bytes();
  if (bytes.size() < 8) {
    fail_input(
        "{} has {} bytes, too few for a safetensors file; it is truncated or of another "
        "kind.",
        origin, bytes.size());
  }
  uint64_t header_size = 0;
  std::memcpy(&header_size, bytes.data(), 8);
  if (header_size > kMaximumHeader) {
    fail_input(
        "{}: the header claims {} bytes, but at most {} are allowed; this is not a "
        "safetensors file.",
        origin, header_size, kMaximumHeader);
  }
  if (header_size > bytes.size() - 8) {
    fail_input("{}: the header claims {} bytes, but only {} follow; the file is truncated.", origin,
               header_size, bytes.size() - 8);
  }
  if (header_size < 2) {
    fail_input("{}: the header has {} bytes, too few for a JSON object.", origin, header_size);
  }
  const auto* text = reinterpret_cast<const char*>(bytes.data()) + 8;
  if (text[0] != '{') {
    fail_input("{}: the header must start with '{{'; this is not a safetensors file.", origin);
  }
  file_->check_unchanged();
  if (std::memchr(text, 0, header_size) != nullptr) {  // the parser would take it for the end
    fail_input("{}: the header is not valid JSON (it holds a zero byte); the file is damaged.",
               origin);
  }
  HeaderReader reader(origin);
  Json::sax_parse(text, text + header_size, &reader);
  entries_ = std::move(reader.entries);
  metadata_ = std::move(reader.metadata);
  data_start_ = 8 + header_size;
  check_entries(entries_, bytes.size() - data_start_, origin);
}

std::span<const std::byte> SafetensorsFile::bytes(const TensorEntry& entry) const {
  file_->check_unchanged();
  return file_->bytes().subspan(data_start_ + entry.begin, entry.end - entry.begin);
}

}  // namespace iclora::weights
