#include "os/kernel_types.h"

#include <gtest/gtest.h>
#include <linux/btf.h>
#include <unistd.h>

#include <cstring>

namespace appshot {
namespace {

using Names = std::vector<std::string_view>;

// Writes types one after another; the first one has the id 1.
class Blob {
 public:
  uint32_t text(std::string_view string) {
    const auto at = static_cast<uint32_t>(strings_.size());
    strings_.append(string).push_back('\0');
    return at;
  }
  Blob& words(std::initializer_list<uint32_t> words) {
    for (uint32_t word : words) {
      types_.resize(types_.size() + sizeof word);
      std::memcpy(types_.data() + types_.size() - sizeof word, &word, sizeof word);
    }
    return *this;
  }
  Blob& type(std::string_view name, uint32_t kind, uint32_t count, uint32_t size_or_type,
             bool bit_fields = false) {
    return words({name.empty() ? 0 : text(name), kind << 24 | count | (bit_fields ? 1U << 31 : 0),
                  size_or_type});
  }
  Blob& member(std::string_view name, uint32_t type, uint32_t bits) {
    return words({name.empty() ? 0 : text(name), type, bits});
  }
  std::vector<uint8_t> bytes() const {
    btf_header header{};
    header.magic = BTF_MAGIC;
    header.version = BTF_VERSION;
    header.hdr_len = sizeof header;
    header.type_len = static_cast<uint32_t>(types_.size());
    header.str_off = header.type_len;
    header.str_len = static_cast<uint32_t>(strings_.size());
    std::vector<uint8_t> all(sizeof header);
    std::memcpy(all.data(), &header, sizeof header);
    all.insert(all.end(), types_.begin(), types_.end());
    all.insert(all.end(), strings_.begin(), strings_.end());
    return all;
  }

 private:
  std::vector<uint8_t> types_;
  std::string strings_ = std::string(1, '\0');
};

// struct inner { int first; int second; };  typedef const struct inner inner_t;
// struct outer { int a:3; int b:5; union { int c; struct { int d; inner_t in; }; }; };
std::vector<uint8_t> some_types() {
  Blob blob;
  blob.type("int", BTF_KIND_INT, 0, 4).words({32});                                         // 1
  blob.type("inner", BTF_KIND_STRUCT, 2, 8).member("first", 1, 0).member("second", 1, 32);  // 2
  blob.type("", BTF_KIND_CONST, 0, 2);                                                      // 3
  blob.type("inner_t", BTF_KIND_TYPEDEF, 0, 3);                                             // 4
  blob.type("", BTF_KIND_STRUCT, 2, 12).member("d", 1, 0).member("in", 4, 32);              // 5
  blob.type("", BTF_KIND_UNION, 2, 12).member("c", 1, 0).member("", 5, 0);                  // 6
  blob.type("outer", BTF_KIND_STRUCT, 3, 16, true)                                          // 7
      .member("a", 1, 3U << 24)
      .member("b", 1, 5U << 24 | 3)
      .member("", 6, 32);
  blob.type("unasked", BTF_KIND_STRUCT, 0, 4);
  return blob.bytes();
}

const Names kAsked = {"inner", "outer", "absent"};

TEST(KernelTypes, FindsMembersSmallerThanAByte) {
  const auto bytes = some_types();
  const KernelTypes types = KernelTypes::parse(bytes, kAsked).value();
  EXPECT_EQ(types.bit_of("outer", "a").value(), 0U);
  EXPECT_EQ(types.bit_of("outer", "b").value(), 3U);
  EXPECT_FALSE(types.offset_of("outer", "b"));
}

TEST(KernelTypes, FindsMembersThroughStructuresWithoutNames) {
  const auto bytes = some_types();
  const KernelTypes types = KernelTypes::parse(bytes, kAsked).value();
  EXPECT_EQ(types.offset_of("inner", "second").value(), 4U);
  EXPECT_EQ(types.offset_of("outer", "c").value(), 4U);
  EXPECT_EQ(types.offset_of("outer", "d").value(), 4U);
  EXPECT_EQ(types.offset_of("outer", "in").value(), 8U);
  EXPECT_EQ(types.offset_of("outer", "in.second").value(), 12U);
  EXPECT_EQ(types.offset_of("outer", "a").value(), 0U);
  EXPECT_EQ(types.size_of("outer").value(), 16U);
}

TEST(KernelTypes, KnowsWhatIsNotThere) {
  const auto bytes = some_types();
  const KernelTypes types = KernelTypes::parse(bytes, kAsked).value();
  EXPECT_FALSE(types.offset_of("outer", "second"));
  EXPECT_FALSE(types.offset_of("outer", "in.third"));
  EXPECT_FALSE(types.offset_of("outer", "c.first"));
  EXPECT_FALSE(types.offset_of("outer", "b"));  // in the middle of a byte
  EXPECT_FALSE(types.offset_of("absent", "first"));
  EXPECT_FALSE(types.size_of("unasked"));
  EXPECT_EQ(types.size_of("absent").error().cls(), ErrorClass::unsupported);
}

TEST(KernelTypes, WhatIsNotTheOnlyAnswerIsNone) {
  Blob blob;
  blob.type("int", BTF_KIND_INT, 0, 4).words({32});
  blob.type("inner", BTF_KIND_STRUCT, 2, 8).member("x", 1, 0).member("y", 1, 32);
  blob.type("inner", BTF_KIND_STRUCT, 2, 12).member("x", 1, 0).member("y", 1, 64);
  blob.type("inner", BTF_KIND_STRUCT, 1, 4).member("z", 1, 0);
  const auto bytes = blob.bytes();
  const KernelTypes types = KernelTypes::parse(bytes, kAsked).value();
  EXPECT_EQ(types.offset_of("inner", "x").value(), 0U);
  EXPECT_EQ(types.offset_of("inner", "z").value(), 0U);
  EXPECT_FALSE(types.offset_of("inner", "y"));
  EXPECT_FALSE(types.size_of("inner"));
}

TEST(KernelTypes, APieceOfADescriptionIsRefused) {
  const std::vector<uint8_t> whole = some_types();
  for (size_t length = 0; length < whole.size(); ++length) {
    const std::vector<uint8_t> piece(whole.begin(), whole.begin() + static_cast<long>(length));
    EXPECT_FALSE(KernelTypes::parse(piece, kAsked)) << length;
  }
}

TEST(KernelTypes, TypesThatLeadInACircleEnd) {
  Blob blob;
  blob.type("a_t", BTF_KIND_TYPEDEF, 0, 1);
  blob.type("outer", BTF_KIND_STRUCT, 1, 4).member("", 2, 0);
  blob.type("inner", BTF_KIND_STRUCT, 1, 4).member("x", 1, 0);
  const auto bytes = blob.bytes();
  const KernelTypes types = KernelTypes::parse(bytes, kAsked).value();
  EXPECT_FALSE(types.offset_of("outer", "x"));
  EXPECT_FALSE(types.offset_of("inner", "x.y"));
}

TEST(KernelTypes, OfTheRunningKernel) {
  if (::access("/sys/kernel/btf/vmlinux", R_OK) != 0) GTEST_SKIP() << "the kernel does not tell";
  const Names names = {"sock", "page", "sk_buff_head"};
  const KernelTypes types = KernelTypes::of_running_kernel(names).value();
  EXPECT_EQ(types.offset_of("sock", "sk_receive_queue.qlen").value(),
            types.offset_of("sock", "sk_receive_queue").value() +
                types.offset_of("sk_buff_head", "qlen").value());
  EXPECT_GE(types.size_of("page").value(), 56U);
}

}  // namespace
}  // namespace appshot
