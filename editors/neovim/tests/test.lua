-- Tests the plugin in a real Neovim, with a stand-in for the `wright` program behind it.
--
-- Usage: nvim --headless -l tests/test.lua [PART OF A TEST'S NAME]. With a Neovim older than 0.12, stand_in.lua beside this
-- file takes the place of `vim.lsp.inline_completion`. Each test starts a Neovim of its own and types into it. With
-- WRIGHT=PROGRAM only the tests of the real server run, which need a model.

local here = vim.fs.dirname(vim.fs.abspath(debug.getinfo(1, 'S').source:sub(2)))
local plugin = vim.fs.dirname(here)
local program = vim.fs.joinpath(vim.fs.dirname(plugin), 'testing', 'fake-wright.mjs')
vim.opt.runtimepath:prepend(plugin)

local real_program = vim.env.WRIGHT
local TIMEOUT_MS = real_program and 120000 or 10000

local function fail(message, ...)
  error(message:format(...), 0)
end

local function equal(actual, expected)
  if not vim.deep_equal(actual, expected) then
    fail('expected %s, got %s', vim.inspect(expected), vim.inspect(actual))
  end
end

local function until_holds(what, holds)
  local value
  local is_done = vim.wait(TIMEOUT_MS, function()
    value = holds()
    return value
  end, 20)
  if not is_done then
    fail('waited in vain for %s', what)
  end
  return value
end

---@class wright.TestEditor
local Editor = {}
Editor.__index = Editor

function Editor.open(lines, options)
  local self = setmetatable({ folder = vim.fn.tempname() }, Editor)
  vim.fn.mkdir(self.folder .. '/.git', 'p')
  self.recording = self.folder .. '/messages.jsonl'
  vim.fn.writefile({}, self.recording)
  vim.fn.writefile(lines, self.folder .. '/work.py')
  local command = { vim.v.progpath, '--embed', '--headless', '-u', 'NONE', '-i', 'NONE', '-n', '--cmd', 'set rtp^=' .. plugin }
  self.channel = vim.fn.jobstart(command, {
    rpc = true,
    env = { WRIGHT_FAKE_RECORD = self.recording, NVIM_LOG_FILE = '/dev/null', XDG_STATE_HOME = self.folder },
  })
  self:lua('vim.cmd("runtime plugin/wright.lua | filetype on")')
  options = vim.tbl_extend('keep', options or {}, { cmd = { program, 'lsp' }, keys = true, stand_in = true })
  if options.stand_in then
    self:lua('if not vim.lsp.inline_completion then dofile(...) end', here .. '/stand_in.lua')
  end
  options.stand_in = nil
  self:lua('messages = {}; vim.notify = function(message) table.insert(messages, message) end')
  self:lua('require("wright").setup(...)', options)
  self:lua('vim.cmd.edit(...)', self.folder .. '/work.py')
  self:lua('vim.bo.expandtab = false')
  if not options.stays_offline then
    until_holds('the server', function()
      return self:is_ready()
    end)
  end
  return self
end

function Editor:lua(code, ...)
  return vim.rpcrequest(self.channel, 'nvim_exec_lua', code, { ... })
end

function Editor:is_ready()
  return self:lua([[
    local client = vim.lsp.get_clients({ bufnr = 0, name = 'wright' })[1]
    return client ~= nil and client.attached_buffers[vim.api.nvim_get_current_buf()] == true
      and (vim.g.wright_status or {}).state == 'ready'
  ]])
end

function Editor:type(keys)
  vim.rpcrequest(self.channel, 'nvim_input', keys)
end

function Editor:lines()
  return self:lua('return vim.api.nvim_buf_get_lines(0, 0, -1, false)')
end

--- What is drawn over the text in a namespace, in the order of the text.
function Editor:drawn(namespace)
  return self:lua([[
    local id = vim.api.nvim_get_namespaces()[...]
    local marks = id and vim.api.nvim_buf_get_extmarks(0, id, 0, -1, { details = true }) or {}
    local found = {}
    for _, mark in ipairs(marks) do
      local row, col, details = mark[2], mark[3], mark[4]
      if details.hl_group then
        table.insert(found, '-' .. vim.api.nvim_buf_get_text(0, row, col, row, details.end_col, {})[1])
      end
      for _, chunk in ipairs(details.virt_text or {}) do
        table.insert(found, '+' .. chunk[1])
      end
      for _, line in ipairs(details.virt_lines or {}) do
        table.insert(found, '+' .. line[1][1])
      end
    end
    return found
  ]], namespace)
end

function Editor:ghost()
  return table.concat(self:drawn('nvim.lsp.inline_completion'), '\n')
end

function Editor:wait_for_ghost(text)
  until_holds('ghost text ' .. text, function()
    return self:ghost():find(text, 1, true) ~= nil
  end)
end

function Editor:sent(method)
  local params = {}
  for _, line in ipairs(vim.fn.readfile(self.recording)) do
    local message = vim.json.decode(line)
    if message.method == method then
      table.insert(params, message.params)
    end
  end
  return params
end

function Editor:wait_for_sent(method)
  return until_holds(method, function()
    return self:sent(method)[1]
  end)
end

function Editor:close()
  pcall(vim.rpcnotify, self.channel, 'nvim_command', 'qall!')
  if vim.fn.jobwait({ self.channel }, 5000)[1] == -1 then
    vim.fn.jobstop(self.channel)
  end
  vim.fn.delete(self.folder, 'rf')
end

local SHOP = {
  'def total(pric):',
  '    """Returns what a customer pays."""',
  '',
  '',
  '    taxed = cost * 1.2',
  '    rounded = round(taxed, 2)',
  '',
  '    return taxed + cost',
}

local HINT = '+  <Tab> to %s'

--- Completes the parameter's name, after which `cost` is predicted to become `price`.
local function predict(editor)
  editor:type('f)ie<Esc>')
  until_holds('the prediction', function()
    return #editor:drawn('wright.next_edit') > 0
  end)
end

local tests = {}

function tests.a_word_is_blanks_and_letters_or_other_signs()
  local first_word = require('wright.text').first_word
  equal(first_word('add(a)'), 'add')
  equal(first_word('(a, b)'), '(')
  equal(first_word('\n    return x'), '\n    return')
  equal(first_word('größe = 1'), 'größe')
  equal(first_word('   '), '   ')
end

function tests.a_line_reaches_to_its_end()
  local first_line = require('wright.text').first_line
  equal(first_line(' = 1\nnext'), ' = 1')
  equal(first_line('\n    return x\nlast'), '\n    return x')
end

function tests.lengths_are_utf16()
  equal(require('wright.text').utf16_length('a😀é'), 4)
end

function tests.only_the_part_that_changes_is_a_piece()
  local pieces = require('wright.text').pieces
  equal(pieces({ 'x = cost * 2' }, { 'x = price * 2' }), { { row = 0, col = 4, deleted = 4, inserted = 'price' } })
  equal(pieces({ 'a', 'b' }, { 'a', 'b' }), {})
end

function tests.characters_are_never_cut_apart()
  local pieces = require('wright.text').pieces
  equal(pieces({ 'a 😀 b' }, { 'a 😁 b' }), { { row = 0, col = 2, deleted = 4, inserted = '😁' } })
  equal(pieces({ 'é' }, { 'è' }), { { row = 0, col = 0, deleted = 2, inserted = 'è' } })
  equal(pieces({ 'xé' }, { 'xé!' }), { { row = 0, col = 3, deleted = 0, inserted = '!' } })
end

function tests.new_lines_hang_below_the_line_above_them()
  local pieces = require('wright.text').pieces
  local piece = { row = 0, col = 0, deleted = 0, inserted = '', added = { 'two' }, above = false }
  equal(pieces({ 'one', 'three' }, { 'one', 'two', 'three' }), { piece })
  piece.above, piece.added = true, { 'zero' }
  equal(pieces({ 'one' }, { 'zero', 'one' }), { piece })
end

function tests.lines_that_go_are_deleted_whole()
  local pieces = require('wright.text').pieces
  equal(pieces({ 'one', 'two' }, { 'one' }), { { row = 1, col = 0, deleted = 3, inserted = '' } })
end

function tests.the_log_is_newest_first()
  local entries = {
    { at = '2026-01-01T10:00:00Z', reason = 'too-short', language = vim.NIL, milliseconds = 3 },
    { at = '2026-01-01T10:00:05Z', reason = 'does-not-parse', language = 'python', detail = 'unclosed\nbracket' },
  }
  equal(require('wright.log').lines(entries), {
    'Why nothing was shown, newest first',
    '',
    '10:00:05  does-not-parse          python  unclosed bracket',
    '10:00:00  too-short               3 ms',
  })
end

function tests.ghost_text_appears_and_tab_accepts_it()
  local editor = Editor.open({ '' })
  editor:type('idef add')
  editor:wait_for_ghost('(first, second):')
  local shown = editor:wait_for_sent('textDocument/didShowCompletion')
  editor:type('<Tab>')
  local accepted = editor:wait_for_sent('workspace/executeCommand')
  equal(accepted.command, 'wright.accepted')
  equal(accepted.arguments, shown.item.command.arguments)
  equal(editor:lines(), { 'def add(first, second):', '    return first + second' })
  equal(editor:lua('return vim.api.nvim_win_get_cursor(0)'), { 2, 25 })
  editor:close()
end

function tests.tab_stays_a_tab_where_nothing_is_shown()
  local editor = Editor.open({ '' })
  editor:type('ix<Tab>y<Esc>')
  until_holds('the text', function()
    return editor:lines()[1] == 'x\ty'
  end)
  editor:close()
end

function tests.a_word_is_accepted_and_reported_with_its_length()
  local editor = Editor.open({ '' })
  editor:type('itot')
  editor:wait_for_ghost('al = add')
  editor:type('<M-Right>')
  local part = editor:wait_for_sent('textDocument/didPartiallyAcceptCompletion')
  equal(part.acceptedLength, #'total')
  equal(part.item.insertText, 'total = add(1, 2)')
  equal(editor:lines(), { 'total' })
  equal(editor:sent('workspace/executeCommand'), {})
  editor:wait_for_ghost(' = add(1, 2)')
  editor:close()
end

function tests.the_last_word_accepts_the_whole()
  local editor = Editor.open({ '' })
  editor:type('itotal = add(1, 2')
  editor:wait_for_ghost(')')
  editor:type('<M-Right>')
  equal(editor:wait_for_sent('workspace/executeCommand').command, 'wright.accepted')
  equal(editor:lines(), { 'total = add(1, 2)' })
  equal(editor:sent('textDocument/didPartiallyAcceptCompletion'), {})
  editor:close()
end

function tests.a_line_is_accepted()
  local editor = Editor.open({ '' })
  editor:type('idef add')
  editor:wait_for_ghost('(first, second):')
  editor:type('<M-Down>')
  local part = editor:wait_for_sent('textDocument/didPartiallyAcceptCompletion')
  equal(part.acceptedLength, #'def add(first, second):')
  equal(editor:lines(), { 'def add(first, second):' })
  editor:close()
end

function tests.another_suggestion_is_shown_and_reported()
  local editor = Editor.open({ '' })
  editor:type('itot')
  editor:wait_for_ghost('al = add(1, 2)')
  editor:wait_for_sent('textDocument/didShowCompletion')
  editor:type('<M-n>')
  editor:wait_for_ghost('al = add(3, 4)')
  until_holds('the second report', function()
    return #editor:sent('textDocument/didShowCompletion') == 2
  end)
  editor:type('<Tab>')
  editor:wait_for_sent('workspace/executeCommand')
  equal(editor:lines(), { 'total = add(3, 4)' })
  editor:close()
end

function tests.a_dismissed_suggestion_goes_and_is_reported()
  local editor = Editor.open({ '' })
  editor:type('itot')
  editor:wait_for_ghost('al = add')
  editor:type('<C-]>')
  local dismissed = editor:wait_for_sent('wright/dismissed')
  equal(dismissed.id, editor:sent('textDocument/didShowCompletion')[1].item.command.arguments[1])
  equal(editor:ghost(), '')
  equal(editor:lines(), { 'tot' })
  editor:close()
end

function tests.tab_jumps_to_the_next_edit_then_accepts_it()
  local editor = Editor.open(SHOP)
  predict(editor)
  equal(editor:drawn('wright.next_edit'), { HINT:format('jump'), '-cost', '+price' })
  editor:wait_for_sent('textDocument/didShowInlineEdit')
  editor:type('<Tab>')
  until_holds('the jump', function()
    return editor:lua('return vim.api.nvim_win_get_cursor(0)')[1] == 5
  end)
  until_holds('the hint at the edit', function()
    return vim.list_contains(editor:drawn('wright.next_edit'), HINT:format('accept'))
  end)
  editor:type('<Tab>')
  local accepted = editor:wait_for_sent('workspace/executeCommand')
  equal(accepted.arguments, { 'e4' })
  equal(editor:lines()[5], '    taxed = price * 1.2')
  until_holds('the following edit', function()
    return #editor:sent('textDocument/didShowInlineEdit') == 2
  end)
  editor:close()
end

function tests.a_dismissed_next_edit_goes_and_is_reported()
  local editor = Editor.open(SHOP)
  predict(editor)
  editor:type('<C-]>')
  equal(editor:wait_for_sent('wright/dismissed'), { id = 'e4' })
  equal(editor:drawn('wright.next_edit'), {})
  editor:close()
end

function tests.taking_a_change_back_asks_for_nothing()
  local editor = Editor.open(SHOP)
  predict(editor)
  local n_before = #editor:sent('textDocument/copilotInlineEdit')
  editor:type('u')
  until_holds('no prediction', function()
    return #editor:drawn('wright.next_edit') == 0
  end)
  -- The next change asks again, so nothing that undo had asked for can still be on its way.
  editor:type('f)ie<Esc>')
  until_holds('the next prediction', function()
    return #editor:drawn('wright.next_edit') > 0
  end)
  equal(#editor:sent('textDocument/copilotInlineEdit'), n_before + 1)
  editor:close()
end

function tests.an_action_of_the_server_changes_the_text()
  local editor = Editor.open(SHOP)
  editor:lua([[
    local chosen = function(action)
      return action.title == 'Fix with Wright'
    end
    vim.lsp.buf.code_action({ filter = chosen, apply = true })
  ]])
  until_holds('the change', function()
    return editor:lines()[1] == '# fixed'
  end)
  editor:close()
end

function tests.the_status_is_kept_for_a_status_line()
  local editor = Editor.open({ '' })
  equal(editor:lua('return vim.g.wright_status'), { state = 'ready', message = '', model = 'fake-coder-1.5b' })
  equal(editor:lua('return require("wright").status()'), 'wright ready')
  editor:lua('vim.cmd("Wright status")')
  equal(editor:lua('return messages'), { 'Wright is ready, fake-coder-1.5b' })
  editor:close()
end

function tests.the_log_opens_in_a_split()
  local editor = Editor.open({ '' })
  editor:lua('vim.cmd("Wright log")')
  until_holds('the split', function()
    return editor:lua('return vim.bo.filetype') == 'wrightlog'
  end)
  equal(editor:lines()[3]:find('too%-short') ~= nil, true)
  equal(#editor:lines(), 4)
  editor:close()
end

function tests.a_paused_language_is_told_to_the_server()
  local editor = Editor.open({ '' })
  editor:lua('vim.cmd("Wright pause")')
  -- Neovim tells the settings once by itself after the start.
  editor:wait_for_sent('workspace/didChangeConfiguration')
  local told = until_holds('the pause', function()
    local all = editor:sent('workspace/didChangeConfiguration')
    return all[#all].settings.wright.disabledLanguages[1] == 'python' and all[#all]
  end)
  equal(told.settings.wright.nextEdit, true)
  editor:lua('vim.cmd("Wright pause")')
  until_holds('the end of the pause', function()
    local all = editor:sent('workspace/didChangeConfiguration')
    return #all[#all].settings.wright.disabledLanguages == 0
  end)
  editor:close()
end

function tests.toggle_turns_everything_off_and_on()
  local editor = Editor.open({ '' })
  editor:lua('vim.cmd("Wright toggle")')
  local n_before = #editor:sent('textDocument/inlineCompletion')
  editor:type('itot')
  editor:lua('vim.cmd("Wright toggle")')
  editor:type('a')
  editor:wait_for_ghost('l = add')
  local first = editor:sent('textDocument/inlineCompletion')[n_before + 1]
  equal(first.position.character, 4)
  editor:close()
end

function tests.no_key_is_mapped_unless_asked_for()
  local editor = Editor.open({ '' }, { keys = false })
  local ours = editor:lua([[
    return vim.tbl_filter(function(map)
      return vim.startswith(map.desc or '', 'Wright')
    end, vim.list_extend(vim.api.nvim_get_keymap('i'), vim.api.nvim_get_keymap('n')))
  ]])
  equal(ours, {})
  editor:close()
end

function tests.settings_reach_the_server()
  local editor = Editor.open({ '' }, { next_edit = false, settings = { eagerness = 'high', model = 'small' } })
  local options = editor:sent('initialize')[1].initializationOptions.wright
  equal(options, {
    eagerness = 'high',
    model = 'small',
    multiline = true,
    telemetry = true,
    disabledLanguages = {},
    nextEdit = false,
  })
  editor:close()
end

function tests.an_old_neovim_is_told_what_it_lacks()
  local editor = Editor.open({ '' }, { stand_in = false })
  local is_old = editor:lua('return vim.lsp.inline_completion == nil')
  local messages = editor:lua('return messages')
  equal(#messages, is_old and 1 or 0)
  if is_old then
    equal(messages[1]:match('ghost text needs Neovim 0.12'), 'ghost text needs Neovim 0.12')
  end
  editor:close()
end

function tests.a_restarted_server_serves_the_same_buffers()
  local editor = Editor.open({ '' })
  editor:lua('vim.cmd("Wright restart")')
  until_holds('the second start', function()
    return #editor:sent('initialize') == 2 and editor:is_ready()
  end)
  editor:type('itot')
  editor:wait_for_ghost('al = add')
  editor:close()
end

function tests.one_server_serves_two_projects()
  local editor = Editor.open({ '' })
  local other = vim.fn.tempname()
  vim.fn.mkdir(other .. '/.git', 'p')
  editor:lua('vim.cmd.edit(...)', other .. '/other.py')
  local added = editor:wait_for_sent('workspace/didChangeWorkspaceFolders').event.added
  equal(added, { { uri = vim.uri_from_fname(other), name = other } })
  editor:type('itot')
  editor:wait_for_ghost('al = add')
  equal(#editor:sent('initialize'), 1)
  editor:close()
  vim.fn.delete(other, 'rf')
end

function tests.an_empty_buffer_starts_no_server()
  local editor = Editor.open({ '' }, { stays_offline = true })
  editor:lua('vim.cmd.bwipeout()')
  equal(editor:lua('return vim.api.nvim_buf_get_name(0)'), '')
  equal(editor:lua('return #vim.lsp.get_clients({ bufnr = 0 })'), 0)
  editor:close()
end

function tests.health_names_program_and_server()
  local editor = Editor.open({ '' })
  editor:lua('vim.cmd("checkhealth wright")')
  local report = table.concat(editor:lines(), '\n')
  equal(report:match('wright 0%.1%.0 is'), 'wright 0.1.0 is')
  equal(report:match('the server runs for 1 buffers'), 'the server runs for 1 buffers')
  equal(report:match('Wright is %a+, fake%-coder%-1%.5b') ~= nil, true)
  editor:close()
end

function tests.health_says_how_to_install_a_missing_program()
  local editor = Editor.open({ '' }, { cmd = { 'no-such-wright', 'lsp' }, stays_offline = true })
  editor:lua('vim.cmd("checkhealth wright")')
  local report = table.concat(editor:lines(), '\n')
  equal(report:match('the program `no%-such%-wright` was not found'), 'the program `no-such-wright` was not found')
  equal(report:match('make install'), 'make install')
  editor:close()
end

local real_tests = {}

function real_tests.the_real_server_suggests_and_hears_of_acceptance()
  local editor = Editor.open({ 'def add(first, second):', '' }, { cmd = { real_program, 'lsp' } })
  editor:type('jA    return fir')
  until_holds('ghost text', function()
    return editor:ghost() ~= ''
  end)
  print(('       ghost text: %q\n'):format(editor:ghost()))
  editor:type('<Tab>')
  until_holds('the text', function()
    return editor:lines()[2] ~= '    return fir'
  end)
  print(('       accepted: %q\n'):format(table.concat(editor:lines(), '\n')))
  editor:close()
end

function real_tests.the_real_server_knows_why_it_was_silent()
  local editor = Editor.open({ 'def add(first, second):', '' }, { cmd = { real_program, 'lsp' } })
  editor:lua('vim.cmd("Wright pause")')
  -- Leaving insert mode at once would keep Neovim from asking.
  editor:type('jA    return fir')
  vim.wait(1500)
  editor:lua('vim.cmd("stopinsert | Wright log")')
  until_holds('the log', function()
    return table.concat(editor:lines(), '\n'):find('turn this language off', 1, true) ~= nil
  end)
  editor:close()
end

if real_program then
  tests = real_tests
end

local names = vim.tbl_filter(function(name)
  return name:find(arg[1] or '', 1, true) ~= nil
end, vim.fn.sort(vim.tbl_keys(tests)))

local n_failed = 0
for _, name in ipairs(names) do
  local is_ok, message = xpcall(tests[name], function(problem)
    return type(problem) == 'string' and problem or vim.inspect(problem)
  end)
  print(('%s %s%s\n'):format(is_ok and 'ok    ' or 'FAILED', name, is_ok and '' or '\n       ' .. message))
  n_failed = n_failed + (is_ok and 0 or 1)
end
print(('%d passed, %d failed\n'):format(#names - n_failed, n_failed))
os.exit(n_failed == 0 and #names > 0 and 0 or 1)
