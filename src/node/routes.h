// The API's routes (docs/openapi.json), each a thin translation to a call.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "api/router.h"
#include "node/clones.h"
#include "node/instances.h"
#include "node/node.h"
#include "node/snapshots.h"
#include "node/templates.h"

namespace appshot {

struct Services {
  Node& node;
  Instances& instances;
  Snapshots& snapshots;
  Templates& templates;
  Clones& clones;
  Environments& environments;
  std::function<void()> stop_daemon;
};

void add_instance_routes(Router& router, Services& services);
void add_stream_routes(Router& router, Services& services);
void add_snapshot_routes(Router& router, Services& services);
void add_template_routes(Router& router, Services& services);
void add_environment_routes(Router& router, Services& services);
void add_endpoint_routes(Router& router, Services& services);
void add_system_routes(Router& router, Services& services);

void add_all_routes(Router& router, Services& services);

// The status a shell reports for a program that cannot be started: 127 or 126; none for failures of
// another kind.
std::optional<int> program_status(const Error& error);

// Answers with the value or the error.
void answer_result_of(Call& call, const Result<Json>& result, int status = 200);
// Runs a long operation: with ?progress=true its progress and its end are lines of a stream.
void answer_with_progress(Call& call,
                          const std::function<Result<Json>(const ProgressListener&)>& operation);

}  // namespace appshot
