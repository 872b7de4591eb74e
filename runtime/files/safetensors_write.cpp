#include "hewn/runtime/error.h"
#include "hewn/runtime/files/atomic_file.h"
#include "hewn/runtime/files/safetensors.h"
#include "hewn/runtime/files/safetensors_header.h"
#include "hewn/runtime/naming.h"

#include <cstdint>
#include <cstring>
#include <utility>

#include <nlohmann/json.hpp>

namespace hewn {

namespace {

using Json = nlohmann::json;

/// The header's JSON: each tensor's data begins where that of the one before it ends.
Json describe(std::span<const TensorToWrite> tensors,
              const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::size_t offset = 0;
  for (const TensorToWrite& tensor : tensors) {
    detail::check_tensor_name(tensor.name);
    require(!header.contains(tensor.name), "tensor '", tensor.name, "' occurs twice");
    const std::int64_t size = checked_multiply(
        tensor.shape.count(), static_cast<std::int64_t>(dtype_size(tensor.dtype)), "bytes");
    require(std::cmp_equal(tensor.data.size(), size), "tensor '", tensor.name, "': expected ", size,
            " bytes for ", dtype_name(tensor.dtype), " ", tensor.shape, ", got ",
            tensor.data.size());
    header[tensor.name] = {{"dtype", dtype_name(tensor.dtype)},
                           {"shape", tensor.shape.dims()},
                           {"data_offsets", {offset, offset + tensor.data.size()}}};
    offset += tensor.data.size();
  }
  return header;
}

/// The file up to the data: the header's length, and the header, padded with spaces so that the
/// data starts on a cache line.
std::vector<std::byte> encode_header(const Json& header) {
  constexpr std::size_t kLine = 64;
  std::string json;
  try {
    json = header.dump();
  } catch (const Json::exception&) {
    fail("names and metadata: expected UTF-8");
  }
  std::uint64_t size = json.size();
  json.append((kLine - (sizeof size + json.size()) % kLine) % kLine, ' ');
  size = json.size();
  std::vector<std::byte> bytes(sizeof size + json.size());
  std::memcpy(bytes.data(), &size, sizeof size);
  std::memcpy(bytes.data() + sizeof size, json.data(), json.size());
  return bytes;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, std::span<const TensorToWrite> tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::vector<std::byte> header =
      detail::naming(path.string(), [&] { return encode_header(describe(tensors, metadata)); });
  detail::AtomicFile file(path);
  file.write(header);
  for (const TensorToWrite& tensor : tensors) file.write(tensor.data);
  file.commit();
}

}  // namespace hewn
