#pragma once
// The one door between the thin program and libiclora.so. Plain C types cross it, no exceptions:
// the two sides may be linked with different C++ libraries inside.

#include <atomic>
#include <cstdint>

extern "C" {

struct iclora_call_context {
  /// sizeof(iclora_call_context) of the caller: a library of another build is refused by it.
  uint64_t size;
  /// Set by the caller when the work should stop.
  const std::atomic<bool>* cancelled;
  /// Handed back in every callback.
  void* user;
  /// `total` 0: unknown. `loss` NaN: does not apply. May come from any one thread at a time.
  void (*progress)(void* user, const char* phase, int64_t step, int64_t total, double loss);
  /// A message for people. `warning` 0 or 1.
  void (*message)(void* user, int warning, const char* text);
  /// The result: one JSON object. Once, at the end.
  void (*result)(void* user, const char* text);
  /// Why the call failed, one line. Once, before a non-zero return.
  void (*error)(void* user, const char* text);
};

/// Does `verb` with the request (a JSON object) -> 0 or the exit code of design 4.1.
int iclora_call(const char* verb, const char* request_json, const iclora_call_context* context);

/// The build of the library, to be compared with the program's.
const char* iclora_build_id();
}
