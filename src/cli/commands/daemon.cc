// daemon, completion.
#include <unistd.h>

#include "cli/commands.h"
#include "cli/daemon_start.h"
#include "cli/parser.h"
#include "cli/text.h"

namespace appshot {
namespace {

Result<> run_in_foreground() {
  std::string program = TRY(daemon_program());
  const char* argv[] = {"appshotd", nullptr};
  ::execv(program.c_str(), const_cast<char* const*>(argv));
  return Error::from_errno(errno, "execv " + program);
}

// The daemon's end of the connection closes when its process has ended.
void await_end(HttpClient& http) {
  std::string rest;
  while (receive_more(http.fd(), rest, {}).value_or(false)) continue;
}

Result<Json> ask_daemon(Context& context, std::string_view method, const char* target) {
  Result<HttpClient> http = context.api.connect_if_running();
  if (!http)
    return Error(ErrorClass::not_found, "no daemon runs for " + context.api.paths().run_dir)
        .hint("it starts itself with the next command");
  int status = TRY(http->request(method, target));
  if (status >= 400) return context.api.refusal(*http, status);
  std::string text = TRY(http->body());
  if (method == "POST") await_end(*http);
  return parse_json(text);
}

std::string words(const std::vector<std::string>& list) {
  std::string line;
  for (const std::string& word : list) line += (line.empty() ? "" : " ") + word;
  return line;
}

// What comes first: "env" of "env ls"; or, of those that begin with it, what comes second.
std::vector<std::string> first_words() {
  std::vector<std::string> list;
  for (const std::string& command : command_names())
    if (std::string word = command.substr(0, command.find(' '));
        list.empty() || list.back() != word)
      list.push_back(std::move(word));
  return list;
}

std::vector<std::string> second_words(const std::string& first) {
  std::vector<std::string> list;
  for (const std::string& command : command_names())
    if (command.starts_with(first + " ")) list.push_back(command.substr(first.size() + 1));
  return list;
}

// One line for each command.
std::string bash_options() {
  std::string text;
  for (const std::string& command : command_names())
    text += "      '" + command + "') options='" + words(option_names(command)) + "' ;;\n";
  return text;
}

std::string bash_completion() {
  return "_appshot() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]}\n"
         "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
         "    COMPREPLY=($(compgen -W '" +
         words(first_words()) +
         "' -- \"$word\"))\n"
         "    return\n"
         "  fi\n"
         "  if [ \"$command\" = env ]; then\n"
         "    if [ \"$COMP_CWORD\" -eq 2 ]; then\n"
         "      COMPREPLY=($(compgen -W '" +
         words(second_words("env")) +
         "' -- \"$word\"))\n"
         "      return\n"
         "    fi\n"
         "    command=\"env ${COMP_WORDS[2]}\"\n"
         "  fi\n"
         "  if [[ $word == -* ]]; then\n"
         "    local options=\n"
         "    case $command in\n" +
         bash_options() +
         "    esac\n"
         "    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
         "    return\n"
         "  fi\n"
         "  case $command in\n"
         "    restore|snapshot-rm|verify|export)\n"
         "      COMPREPLY=($(compgen -W \"$(appshot snapshots -q 2>/dev/null)\" -- \"$word\")) ;;\n"
         "    inspect)\n"
         "      COMPREPLY=($(compgen -W \"$(appshot ps -aq 2>/dev/null; appshot snapshots -q "
         "2>/dev/null)\" -- \"$word\")) ;;\n"
         "    import) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
         "    completion) COMPREPLY=($(compgen -W 'bash zsh fish' -- \"$word\")) ;;\n"
         "    daemon) COMPREPLY=($(compgen -W 'stop status' -- \"$word\")) ;;\n"
         "    system) COMPREPLY=($(compgen -W 'df' -- \"$word\")) ;;\n"
         "    run|ps|snapshots|'env ls'|'env create') ;;\n"
         "    env*) COMPREPLY=($(compgen -W \"$(appshot env ls -q 2>/dev/null)\" -- \"$word\")) "
         ";;\n"
         "    *) COMPREPLY=($(compgen -W \"$(appshot ps -aq 2>/dev/null)\" -- \"$word\")) ;;\n"
         "  esac\n"
         "}\n"
         "complete -o default -F _appshot appshot\n";
}

std::string fish_completion() {
  std::string text = "complete -c appshot -n __fish_use_subcommand -f -a '" + words(first_words()) +
                     "'\n"
                     "complete -c appshot -n '__fish_seen_subcommand_from env' -f -a '" +
                     words(second_words("env")) + " (appshot env ls -q 2>/dev/null)'\n";
  text +=
      "complete -c appshot -n '__fish_seen_subcommand_from inspect rids exec attach logs kill stop "
      "rm snapshot sleep wake check events why' -f -a '(appshot ps -aq 2>/dev/null)'\n"
      "complete -c appshot -n '__fish_seen_subcommand_from inspect restore snapshot-rm verify "
      "export' -f -a '(appshot snapshots -q 2>/dev/null)'\n";
  for (const std::string& command : command_names())
    for (const std::string& name : option_names(command))
      if (name.starts_with("--"))
        text += "complete -c appshot -n '__fish_seen_subcommand_from " +
                command.substr(command.find(' ') + 1) + "' -l " + name.substr(2) + "\n";
  return text;
}

}  // namespace

int command_daemon(Context& context) {
  if (context.options.action.empty()) return fail(run_in_foreground().error());
  bool stop = context.options.action == "stop";
  Result<Json> answer = stop ? ask_daemon(context, "POST", "/v1/daemon/stop")
                             : ask_daemon(context, "GET", "/v1/daemon");
  if (!answer) return fail(answer.error());
  if (context.options.json) {
    print_json(*answer);
  } else if (!stop) {
    print("appshotd " + string_at(*answer, "version") + ", pid " +
          std::to_string(int_at(*answer, "pid")) + ", up " +
          human_duration(int_at(*answer, "uptime_ms")) + "\n  socket " +
          string_at(*answer, "socket") + "\n  state  " + string_at(*answer, "state_dir") + "\n");
  }
  return 0;
}

int command_completion(Context& context) {
  if (context.options.action == "fish") {
    print(fish_completion());
  } else if (context.options.action == "zsh") {
    print("autoload -U +X bashcompinit && bashcompinit\n" + bash_completion());
  } else {
    print(bash_completion());
  }
  return 0;
}

}  // namespace appshot
