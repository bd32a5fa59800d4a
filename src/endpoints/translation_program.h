// A program for the kernel that exchanges addresses for others in what comes by a device, and
// corrects the checksums that cover them. It keeps nothing in mind: each packet says all.
#pragma once

#include <linux/bpf.h>

#include <span>
#include <vector>

#include "os/ip_address.h"

namespace appshot {

struct Exchange {
  // Which of a packet's two addresses. What an error quotes is a packet that went the other way:
  // there it is the other of the two.
  enum class Which { source, destination } which;
  IpAddress from, to;
};

// Of the type BPF_PROG_TYPE_SCHED_CLS. Makes all of them, of which no two may be about the same
// address of a family; whatever has other addresses passes as it is.
std::vector<bpf_insn> translation_program(std::span<const Exchange> exchanges);

}  // namespace appshot
