// Work that somebody stands still for, on a machine that has much else to do: while this lives the
// calling thread, and those that it starts, come before ordinary ones, which share the processors
// with everybody.
#pragma once

namespace appshot {

class Urgent {
 public:
  // Nothing changes where a processor is free, which would only be handed over more often, and
  // where it may not be.
  Urgent();
  Urgent(const Urgent&) = delete;
  ~Urgent();

 private:
  bool set_ = false;
};

}  // namespace appshot
