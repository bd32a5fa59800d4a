#include "resources/threads/traced.h"

#include <algorithm>
#include <cstring>

namespace appshot::threads {
namespace {

struct Pair {
  TracedStop stop;
  image::TraceStop record;
};
constexpr Pair kStops[] = {{TracedStop::none, image::TraceStop::none},
                           {TracedStop::signal, image::TraceStop::signal},
                           {TracedStop::call_entry, image::TraceStop::call_entry},
                           {TracedStop::call_exit, image::TraceStop::call_exit},
                           {TracedStop::interrupted, image::TraceStop::interrupted}};

}  // namespace

std::unique_ptr<image::TracedT> describe(const TracedState& state) {
  auto record = std::make_unique<image::TracedT>();
  record->tracer = state.tracer.value;
  record->seized = state.seized;
  record->options = state.options;
  record->stop = std::ranges::find(kStops, state.stop, &Pair::stop)->record;
  record->to_call = state.to_call;
  record->reported = state.reported;
  if (state.stop != TracedStop::signal) return record;
  record->signal = state.info.si_signo;
  const auto* bytes = reinterpret_cast<const uint8_t*>(&state.info);
  record->signal_info.assign(bytes, bytes + sizeof state.info);
  return record;
}

TracedState traced_state(const image::TracedT& record) {
  TracedState state;
  state.tracer = VirtualPid{record.tracer};
  state.seized = record.seized;
  state.options = record.options;
  state.stop = std::ranges::find(kStops, record.stop, &Pair::record)->stop;
  state.to_call = record.to_call;
  state.reported = record.reported;
  std::memcpy(&state.info, record.signal_info.data(),
              std::min(sizeof state.info, record.signal_info.size()));
  return state;
}

}  // namespace appshot::threads
