// Tensors in files: https://github.com/huggingface/safetensors (format only; the code is ours).
#pragma once

#include "hewn/runtime/dtype.h"
#include "hewn/runtime/shape.h"

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hewn {

/// One tensor of an open file. `data` points into the mapped file and lives as long as the
/// SafetensorsFile.
struct TensorEntry {
  std::string name;
  Dtype dtype;
  Shape shape;
  std::span<const std::byte> data;  ///< little-endian, row-major; possibly unaligned
};

/// A safetensors file, memory-mapped: opening reads the header alone, and pages are read when
/// touched.
///
/// The file is not trusted: header size, JSON, names, dtypes, shapes and offsets are all checked on
/// opening, so that every TensorEntry is safe to read. Immutable afterwards; threads may share one.
/// Whoever truncates the file while it is open makes reads fault: replace files by renaming.
class SafetensorsFile {
 public:
  /// Throws Error, naming the file, when it cannot be read or anything in it is not as the format
  /// demands.
  explicit SafetensorsFile(const std::filesystem::path& path);
  ~SafetensorsFile();
  /// Moves; entries stay where they are. What is left may be destroyed or assigned to, and nothing
  /// else.
  SafetensorsFile(SafetensorsFile&&) noexcept;
  /// Moves, likewise.
  SafetensorsFile& operator=(SafetensorsFile&&) noexcept;

  const std::filesystem::path& path() const;  ///< as given
  std::size_t file_size() const;              ///< in bytes
  /// In the order of their data in the file.
  const std::vector<TensorEntry>& tensors() const;
  /// The `__metadata__` strings.
  const std::map<std::string, std::string>& metadata() const;

  /// The tensor with this name, or null.
  const TensorEntry* find(std::string_view name) const;
  /// The tensor with this name. Throws Error, naming file and tensor, when there is none.
  const TensorEntry& at(std::string_view name) const;
  /// The metadata value. Throws Error, naming file and key, when there is none.
  const std::string& metadata_at(const std::string& key) const;

  /// The named tensor's values as float32, whatever floating dtype it is stored in: in place where
  /// that is float32 and aligned, else widened into `storage`, which must outlive the span. Throws
  /// Error, naming file and tensor, when it is missing, not floating, not of `shape` (checked when
  /// given), or holds a NaN or an infinity.
  std::span<const float> floats(std::string_view name, const std::optional<Shape>& shape,
                                std::vector<float>& storage) const;

  /// Gives the memory that reading the tensors has taken back to the system, for use when what was
  /// wanted has been copied. Tensors remain readable: what is touched again is read again.
  void release_memory() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One tensor to write. The data must stay alive until write_safetensors returns.
struct TensorToWrite {
  std::string name;
  Dtype dtype = Dtype::float32;
  Shape shape;
  std::span<const std::byte> data;
};

/// Writes a safetensors file under a temporary name beside `path` and renames it, so that `path` is
/// either the old file or the whole new one. The tensors' data follow each other in the order
/// given, without gaps (the format allows none), from a 64-byte boundary on. Throws Error, naming
/// the file, on failure, or when a tensor's data does not have the size that its shape and dtype
/// ask for, or a name is empty, occurs twice or is not UTF-8.
void write_safetensors(const std::filesystem::path& path, std::span<const TensorToWrite> tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace hewn
