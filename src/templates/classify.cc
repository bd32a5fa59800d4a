#include "templates/classify.h"

#include "templates/files.h"
#include "templates/ipc.h"
#include "templates/memory.h"
#include "templates/open_files.h"
#include "templates/processes.h"
#include "templates/sockets.h"
#include "templates/surroundings.h"

namespace appshot::templates {

Result<Classified> classify(const image::ImageT& image) {
  const Launch launch = TRY(read_launch(image));
  const Places places(image, launch);
  const Connections connections(image);
  Verdicts verdicts(launch.here.resources);
  Context context{image, launch, places, connections, verdicts};
  add_processes(context);
  add_unheld_files(context);
  add_shared_memory(context);
  add_ipc(context);
  add_left_connections(context);
  add_private_files(context);
  add_namespaces(context);
  add_surroundings(context);
  return verdicts.take();
}

}  // namespace appshot::templates
