#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>

#include "core/error.h"
#include "image/source.h"

namespace iclora::image {
namespace {

const uint8_t* data_of(std::string_view bytes) {
  return reinterpret_cast<const uint8_t*>(bytes.data());
}

struct DeleteDemuxer {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};

std::string chunk_of(WebPDemuxer* demuxer, const char* name) {
  WebPChunkIterator chunk;
  if (WebPDemuxGetChunk(demuxer, name, 1, &chunk) == 0) return "";
  std::string data(reinterpret_cast<const char*>(chunk.chunk.bytes), chunk.chunk.size);
  WebPDemuxReleaseChunkIterator(&chunk);
  return data;
}

struct Features {
  Source source;
  bool lossy = false;
};

Features features_of(std::string_view bytes, const std::string& origin) {
  // Metadata may stand behind the pixels; a file cut there would pass for one without any.
  uint64_t stated = 0;
  for (size_t i = 0; i < 4; ++i) {
    stated |= uint64_t{static_cast<unsigned char>(bytes[4 + i])} << (8 * i);
  }
  if (stated + 8 > bytes.size()) {
    fail_input("{} is a truncated WebP file ({} bytes, {} expected); copy the file again.", origin,
               bytes.size(), stated + 8);
  }
  WebPBitstreamFeatures features{};
  if (WebPGetFeatures(data_of(bytes), bytes.size(), &features) != VP8_STATUS_OK) {
    fail_input("{} is a damaged or truncated WebP file; copy the file again.", origin);
  }
  check_size(static_cast<uint64_t>(features.width), static_cast<uint64_t>(features.height), origin);
  if (features.has_animation != 0) {
    fail_input("{} is an animation; save the frame that is meant as a picture.", origin);
  }
  Features out;
  out.lossy = features.format == 1;
  out.source.width = features.width;
  out.source.height = features.height;
  out.source.alpha = features.has_alpha != 0;
  const WebPData data = {data_of(bytes), bytes.size()};
  const std::unique_ptr<WebPDemuxer, DeleteDemuxer> demuxer(WebPDemux(&data));
  if (demuxer) {
    out.source.icc = chunk_of(demuxer.get(), "ICCP");
    std::string exif = chunk_of(demuxer.get(), "EXIF");
    if (exif.starts_with(std::string_view("Exif\0\0", 6))) exif.erase(0, 6);
    out.source.orientation = exif_orientation(exif);
  }
  return out;
}

}  // namespace

Image decode_webp(std::string_view bytes, const std::string& origin, Rgb background) {
  const Source source = features_of(bytes, origin).source;
  const size_t row_bytes = source.row_bytes();
  const size_t size = row_bytes * static_cast<size_t>(source.height);
  const auto pixels = std::make_unique_for_overwrite<uint8_t[]>(size);
  const auto decode = source.alpha ? WebPDecodeRGBAInto : WebPDecodeRGBInto;
  if (decode(data_of(bytes), bytes.size(), pixels.get(), size, static_cast<int>(row_bytes)) ==
      nullptr) {
    fail_input("{} is a damaged or truncated WebP file; copy the file again.", origin);
  }
  SrgbRows rows(source, background);
  for (int64_t y = 0; y < source.height; ++y) {
    rows.put(pixels.get() + static_cast<size_t>(y) * row_bytes);
  }
  return rows.take();
}

Json describe_webp(std::string_view bytes, const std::string& origin) {
  const Features features = features_of(bytes, origin);
  Json json = {{"format", "webp"},
               {"width", features.source.width},
               {"height", features.source.height},
               {"bit_depth", 8},
               {"colour", features.source.alpha ? "rgb+alpha" : "rgb"},
               {"lossy", features.lossy},
               {"orientation", features.source.orientation}};
  if (!features.source.icc.empty()) json["profile"] = profile_name(features.source.icc);
  return json;
}

}  // namespace iclora::image
