#include "templates/launch.h"

#include <algorithm>

#include "protocol/json.h"
#include "rules/parse.h"

namespace appshot::templates {
namespace {

// No AID and no template is called that: they have spaces.
constexpr const char* kAnother = "another instance";
constexpr const char* kAnotherTemplate = "another template";

constexpr const char* kRunV = "run -v";

Result<rules::Evaluated> evaluate_for(const std::vector<rules::Rules>& layered,
                                      const image::ImageT& image, const Json& options,
                                      const std::string& instance,
                                      const std::string& template_name) {
  return rules::evaluate(
      layered, {string_at(options, "application", image.aid), instance, string_at(options, "node"),
                string_at(field(options, "environment"), "name"), template_name,
                strings_at(options, "env")});
}

void add_exceptions(const std::vector<PublicPath>& shown, rules::Evaluated& evaluated) {
  for (const PublicPath& path : shown) {
    const bool known =
        std::ranges::count(evaluated.exceptions, path.path, &rules::Exception::path) != 0;
    if (!known) evaluated.exceptions.push_back({path.path, path.read_only, {kRunV}});
  }
}

Result<> read_rules(const image::ImageT& image, const Json& options, Launch& launch) {
  std::vector<rules::Rules> layered;
  for (const Json& one : field(options, "rules"))
    layered.push_back(TRY(rules::parse(string_at(one, "text"), string_at(one, "source"))));
  launch.here =
      TRY(evaluate_for(layered, image, options, image.aid, string_at(options, "template_name")));
  launch.elsewhere = TRY(evaluate_for(layered, image, options, kAnother, kAnotherTemplate));
  add_exceptions(launch.public_paths, launch.here);
  add_exceptions(launch.public_paths, launch.elsewhere);
  return {};
}

}  // namespace

Result<Launch> read_launch(const image::ImageT& image) {
  Launch launch;
  launch.share = TRY(Share::from_names(image.share));
  if (image.options.empty()) return launch;
  const Json options = TRY(parse_json(image.options).within("how the instance was launched"));
  for (const std::string& text : strings_at(options, "public_paths"))
    launch.public_paths.push_back(TRY(parse_public_path(text)));
  TRY(read_rules(image, options, launch).within("the rules of the snapshot"));
  for (const std::string& text : strings_at(options, "ports"))
    launch.ports.push_back(TRY(PublishedPort::parse(text)));
  for (const char* key : {"address", "address_v6"})
    if (std::string address = string_at(options, key); !address.empty())
      launch.addresses.push_back(std::move(address));
  launch.environment = string_at(field(options, "environment"), "name");
  launch.environment_layers = strings_at(options, "layers").size();
  launch.first_user = static_cast<uint32_t>(int_at(options, "root"));
  return launch;
}

}  // namespace appshot::templates
