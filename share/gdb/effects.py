# SPDX-License-Identifier: BSL-1.0
"""gdb commands for programs that use effects. Load them with: source <prefix>/share/effects/gdb/effects.py

    effects handlers     the handlers in force on the selected thread, innermost first
    effects tasks        the tasks of every world in the process, and what each one waits for
    effects bt TASK      the backtrace of a task that waits: its number in `effects tasks`, or its name

Backtraces of what runs need no command: `bt` goes on from a body, or a task, into whoever resumed it.
They read memory only, so they serve for core files too. The program and the library must have debug information (-g).
"""

import gdb
import gdb.unwinder

CORE = "effects::detail::"
ASYNC = "effects::async::detail::"
KINDS = ["on", "control", "aborts", "mask"]


def complain(what):
    raise gdb.GdbError("effects: " + what)


def look_up(expression):
    try:
        return gdb.parse_and_eval(expression)
    except gdb.error as e:
        if "hread-local" in str(e):
            complain("the thread's state can't be read: %s" % e)
        return None


def type_of(name):
    try:
        return gdb.lookup_type(name)
    except gdb.error:
        complain("there is no debug information for %s: build with -g" % name)


def thread_state():
    for name in (CORE + "effects_thread_state", "effects_thread_state"):  # as g++ and as clang describe what is extern "C"
        state = look_up(name)
        if state is not None and state.type.code == gdb.TYPE_CODE_STRUCT:
            return state
    complain("no effects_thread_state with debug information in this program: does it use effects, and is it "
             "running or a core file?")


def text_of(value):
    """Of a std::string, a std::string_view or a char const*, without the library's pretty printers."""
    plain = value.type.strip_typedefs()
    fields = [f.name for f in plain.fields()] if plain.code == gdb.TYPE_CODE_STRUCT else []
    if "_M_dataplus" in fields:
        return value["_M_dataplus"]["_M_p"].string(length=int(value["_M_string_length"]), errors="replace")
    if "_M_str" in fields:
        size = int(value["_M_len"])
        return value["_M_str"].string(length=size, errors="replace") if size else ""
    return value.string(errors="replace") if int(value) else ""


# ---- handlers ----

def describe_place(location):
    held = location["_M_impl"]
    return "%s:%d" % (text_of(held["_M_file_name"]), int(held["_M_line"])) if int(held) else ""


def describe_frame(frame):
    table = frame["table"].dereference()
    size = int(table["size"])
    name = text_of(table["handler"])
    names = [text_of(table["entries"][i]["operation"]["name"]) for i in range(size)]
    if name:
        text = name + (": " if names else "") + ", ".join(names)
    elif names:
        text = KINDS[int(table["entries"][0]["kind"])] + " " + ", ".join(names)
    else:
        return ""
    made = describe_place(frame["installed"])
    if made:
        return text + ", made at " + made
    if int(frame["body"]):
        body = text_of(frame["body"].dereference())
        if not body.startswith("effects::") and "/include/effects/" not in body:
            text += ", installed around " + body.split(" [with ")[0]
    return text


class Handlers(gdb.Command):
    """The handlers in force on the selected thread, innermost first."""

    def __init__(self):
        super().__init__("effects handlers", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        frame = thread_state()["top"]
        any_found = False
        print("handlers in force, innermost first")
        while int(frame) and int(frame["outer"]):
            line = describe_frame(frame.dereference())
            if line:
                print("    " + line)
                any_found = True
            frame = frame["outer"]
        if not any_found:
            print("    none")


# ---- tasks ----

def word_of(task):
    name = text_of(task["name_"])
    number = str(int(task["number"]))
    if not name:
        return number if int(task["from_"]) else "main"
    return name + "#" + number if task["shows_number_"] else name


def path_of(task):
    text = word_of(task)
    above = task["from_"]
    while int(above):
        text = text_of(above["word"]) + "/" + text
        above = above["parent"]
    return text


def state_of(task):
    return str(task["state"]).split("::")[-1]


def tasks():
    """Of all schedulers, each with its tasks in the order in which they were made."""
    schedulers = look_up(ASYNC + "scheduler::newest_")
    if schedulers is None:
        complain("no world's scheduler in this program, or no debug information for it")
    type_of(ASYNC + "task_base")
    found = []
    while int(schedulers):
        mine = []
        task = schedulers["first_task_"]
        while int(task):
            mine.append(task.dereference())
            task = task["next_task"]
        found.append((schedulers, list(reversed(mine))))
        schedulers = schedulers["older_"]
    found.reverse()
    return found


class Tasks(gdb.Command):
    """The tasks of every world in the process, and what each one waits for."""

    def __init__(self):
        super().__init__("effects tasks", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        number = 0
        all_of_them = tasks()
        if not all_of_them:
            print("no world is running")
        for scheduler, mine in all_of_them:
            print("world at %#x: %d tasks" % (int(scheduler), len(mine)))
            for task in mine:
                number += 1
                state = state_of(task)
                line = "%4d  %s " % (number, path_of(task))
                if state == "parked":
                    line += "waits in " + (text_of(task["waits_for"]) or "?")
                    if int(task["waits_on"]):
                        line += " (at %#x)" % int(task["waits_on"])
                elif state == "running":
                    line += "runs"
                else:
                    line += "is " + state
                print(line)


# ---- the backtrace of a task that waits ----

SAVED = {"r12": 16, "r13": 24, "r14": 32, "r15": 40, "rbx": 48, "rbp": 56, "rip": 64}  # by Boost.Context's jump_fcontext
STEP_OVER_RED_ZONE = bytes([0x48, 0x8d, 0xa4, 0x24, 0x80, 0, 0, 0])  # leaq 128(%rsp), %rsp


class FrameId:
    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


class Suspended(gdb.unwinder.Unwinder):
    """Makes the frame outside the innermost one that of a suspended stack, while it is told to."""

    def __init__(self):
        super().__init__("effects-suspended")
        self.stack_pointer = None
        self.innermost = None

    def __call__(self, pending):
        if self.stack_pointer is None:
            return None
        here = pending.read_register("rsp")
        if int(here) != self.innermost:
            return None
        word = gdb.lookup_type("unsigned long").pointer()
        saved = {name: gdb.Value(self.stack_pointer + at).cast(word).dereference() for name, at in SAVED.items()}
        top = self.stack_pointer + 72
        code = bytes(gdb.selected_inferior().read_memory(int(saved["rip"]), len(STEP_OVER_RED_ZONE)))
        stepped = 128 if code == STEP_OVER_RED_ZONE else 0
        info = pending.create_unwind_info(FrameId(gdb.Value(self.stack_pointer), pending.read_register("rip")))
        for name, value in saved.items():
            info.add_saved_register(name, value)
        info.add_saved_register("rsp", gdb.Value(top + stepped).cast(gdb.lookup_type("unsigned long")))
        return info


suspended = Suspended()
gdb.unwinder.register_unwinder(None, suspended, replace=True)


def print_frames(frame):
    number = 0
    while frame is not None and frame.is_valid():
        name = frame.name() or "??"
        if name.startswith("effects_fiber_entry") or frame.type() == gdb.SIGTRAMP_FRAME:
            return
        place = frame.find_sal()
        where = " at %s:%d" % (place.symtab.filename, place.line) if place.symtab else ""
        print("#%-3d %s%s" % (number, name, where))
        number += 1
        try:
            frame = frame.older()
        except gdb.error as e:
            print("     (the stack can't be read further: %s)" % e)
            return


class Backtrace(gdb.Command):
    """The backtrace of a task that waits: effects bt TASK, its number in `effects tasks` or its name."""

    def __init__(self):
        super().__init__("effects bt", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        wanted = argument.strip()
        if not wanted:
            complain("which task? `effects bt 2`, as `effects tasks` numbers them, or its name")
        if gdb.newest_frame().architecture().name() != "i386:x86-64":
            complain("effects bt knows only x86-64 as yet")
        in_order = [task for _, mine in tasks() for task in mine]
        chosen = [task for task in in_order if path_of(task) == wanted]
        if not chosen and wanted.isdigit() and 1 <= int(wanted) <= len(in_order):
            chosen = [in_order[int(wanted) - 1]]
        if not chosen:
            complain("there is no task %s: see `effects tasks`" % wanted)
        task = chosen[0]
        if state_of(task) == "running" or not int(task["parked_at"]):
            complain("task %s runs, or has not begun: `bt` on its thread shows it" % path_of(task))
        print("task %s" % path_of(task))
        newest = gdb.newest_frame()
        suspended.innermost = int(newest.read_register("rsp"))
        suspended.stack_pointer = int(task["parked_at"]["stack_pointer"])
        gdb.invalidate_cached_frames()
        try:
            print_frames(gdb.newest_frame().older())
        finally:
            suspended.stack_pointer = None
            gdb.invalidate_cached_frames()


class Effects(gdb.Command):
    """Commands for programs that use effects: handlers, tasks, bt."""

    def __init__(self):
        super().__init__("effects", gdb.COMMAND_STACK, prefix=True)


Effects()
Handlers()
Tasks()
Backtrace()
