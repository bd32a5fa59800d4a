#include "image/verify_sharing.h"

#include <map>
#include <set>

#include "image/verify_words.h"

namespace appshot::image {
namespace {

Error wrong_sharing() { return wrong("what it shares with its parent"); }

class Sharing {
 public:
  explicit Sharing(const ImageT& image) : image_(image) {
    for (const auto& process : image.processes)
      if (process->state != ProcessState::zombie) living_[process->pid] = process.get();
  }

  // Parents and makers come before those whom they make.
  Result<> run() {
    for (const auto& process : image_.processes) {
      const ProcessT& one = *process;
      const bool shares = one.shares_memory || one.shares_descriptors || one.shares_folders;
      if (one.maker != 0 && (!shares || !was_made_for_parent(one))) return wrong_sharing();
      if (shares && (one.state == ProcessState::zombie || seen_.count(maker_of(one)) == 0 ||
                     (one.shares_descriptors && !one.descriptors.empty())))
        return wrong_sharing();
      if (one.state != ProcessState::zombie) seen_.insert(one.pid);
      TRY(one.shares_memory ? memory(one) : beside(one));
    }
    for (const auto& process : image_.processes)
      for (const auto& thread : process->threads)
        if (thread->awaited != 0) TRY(awaited(*process, *thread));
    return {};
  }

 private:
  static int maker_of(const ProcessT& process) {
    return process.maker != 0 ? process.maker : process.parent;
  }

  bool was_made_for_parent(const ProcessT& process) const {
    const auto maker = living_.find(process.maker);
    return maker != living_.end() && maker->second->parent == process.parent &&
           maker->second->exit_signal == process.exit_signal;
  }

  // Who shares memory is made in that of its parent.
  Result<> memory(const ProcessT& process) {
    if (!process.address_space || !process.address_space->mappings.empty())
      return wrong("memory that it shares");
    cloned_.insert(process.pid);
    return {};
  }

  // By a thread that waits for it in vfork: it is made in the memory of that one, as the last of
  // all.
  Result<> awaited(const ProcessT& process, const ThreadT& thread) {
    const auto found = living_.find(thread.awaited);
    if (found == living_.end() || !awaited_.insert(thread.awaited).second ||
        process.state == ProcessState::stopped || thread.traced || thread.waiting)
      return wrong("whom a thread waits for");
    const ProcessT& child = *found->second;
    if (child.parent != process.pid || child.maker != 0 || !child.shares_memory ||
        child.state != ProcessState::running || child.threads.size() != 1)
      return wrong("whom a thread waits for");
    for (const auto& other : image_.processes)
      if ((other->parent == child.pid || other->maker == child.pid) &&
          other->pid != child.threads.front()->awaited)
        return wrong("the children of one that is waited for");
    return {};
  }

  // Descriptors or folders, and not memory. Who shares one of them with its parent owns neither.
  Result<> beside(const ProcessT& process) const {
    if (process.shares_actions) return wrong_sharing();
    if (!process.shares_descriptors && !process.shares_folders) return {};
    if (cloned_.count(maker_of(process)) != 0) return wrong_sharing();
    const ProcessT& parent = *living_.at(maker_of(process));
    const bool parent_shares = parent.shares_descriptors || parent.shares_folders;
    if (parent_shares && ((process.shares_descriptors && !parent.shares_descriptors) ||
                          (process.shares_folders && !parent.shares_folders)))
      return wrong_sharing();
    return {};
  }

  const ImageT& image_;
  std::map<int, const ProcessT*> living_;
  std::set<int> seen_;     // that live
  std::set<int> cloned_;   // into the memory of their parent
  std::set<int> awaited_;  // in vfork
};

}  // namespace

Result<> verify_sharing(const ImageT& image) { return Sharing(image).run(); }

}  // namespace appshot::image
