// Waiting for a word of memory to change, by whoever shares it.
#pragma once

#include <atomic>
#include <cstdint>

namespace appshot {

// Returns when somebody wakes it, or at once when the word is another; now and then for no reason.
void futex_wait(const uint32_t& word, uint32_t value);
void futex_wake_all(const uint32_t& word);
void futex_wait(const std::atomic<uint32_t>& word, uint32_t value);
void futex_wake_all(const std::atomic<uint32_t>& word);

}  // namespace appshot
