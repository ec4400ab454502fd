-- Stands in for `vim.lsp.inline_completion` where Neovim is older than 0.12, so that what is built on it can be tested
-- there: the same functions, as Neovim's help describes them, and no more than the tests need.

local namespace = vim.api.nvim_create_namespace('nvim.lsp.inline_completion')
local M = {}

---@type table<integer, { group: integer, items: table[], index: integer, client_id?: integer }>
local states = {}

local function hide(bufnr)
  vim.api.nvim_buf_clear_namespace(bufnr, namespace, 0, -1)
end

local function show(bufnr)
  hide(bufnr)
  local state = states[bufnr]
  local item = state.items[state.index]
  if not item then
    return
  end
  local line = vim.api.nvim_get_current_line()
  local col = vim.api.nvim_win_get_cursor(0)[2]
  local typed = line:sub(item.range.start.character + 1, col)
  local lines = vim.split(item.insertText:sub(#typed + 1), '\n')
  vim.api.nvim_buf_set_extmark(bufnr, namespace, item.range.start.line, col, {
    virt_text = { { lines[1], 'ComplHint' } },
    virt_text_pos = 'inline',
    virt_lines = vim.tbl_map(function(text)
      return { { text, 'ComplHint' } }
    end, vim.list_slice(lines, 2)),
  })
end

local function ask(bufnr)
  local client = vim.lsp.get_clients({ bufnr = bufnr, method = 'textDocument/inlineCompletion' })[1]
    or vim.lsp.get_clients({ bufnr = bufnr })[1]
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  params.context = { triggerKind = 2 }
  client:request('textDocument/inlineCompletion', params, function(err, result, ctx)
    local state = states[bufnr]
    if err or not result or not state or not vim.startswith(vim.api.nvim_get_mode().mode, 'i') then
      return
    end
    state.items, state.index, state.client_id = result.items or result, 1, ctx.client_id
    show(bufnr)
  end, bufnr)
end

function M.enable(is_on, filter)
  local bufnr = filter.bufnr
  if states[bufnr] then
    vim.api.nvim_del_augroup_by_id(states[bufnr].group)
    hide(bufnr)
    states[bufnr] = nil
  end
  if is_on == false then
    return
  end
  local group = vim.api.nvim_create_augroup('stand_in' .. bufnr, {})
  states[bufnr] = { group = group, items = {}, index = 1 }
  vim.api.nvim_create_autocmd({ 'InsertEnter', 'CursorMovedI' }, {
    group = group,
    buffer = bufnr,
    callback = function()
      vim.defer_fn(function()
        if states[bufnr] then
          ask(bufnr)
        end
      end, 20)
    end,
  })
  vim.api.nvim_create_autocmd('InsertLeave', {
    group = group,
    buffer = bufnr,
    callback = function()
      states[bufnr].items = {}
      hide(bufnr)
    end,
  })
end

function M.select(opts)
  local state = states[vim.api.nvim_get_current_buf()]
  state.index = (state.index - 1 + opts.count) % #state.items + 1
  show(vim.api.nvim_get_current_buf())
end

function M.get(opts)
  local bufnr = vim.api.nvim_get_current_buf()
  local state = states[bufnr]
  local item = state and state.items[state.index]
  if not item then
    return false
  end
  vim.schedule(function()
    state.items = {}
    hide(bufnr)
    if opts and opts.on_accept then
      opts.on_accept({ client_id = state.client_id, insert_text = item.insertText, command = item.command })
      return
    end
    local range = item.range
    local lines = vim.split(item.insertText, '\n')
    local row, col = range.start.line, range.start.character
    vim.api.nvim_buf_set_text(bufnr, row, col, range['end'].line, range['end'].character, lines)
    vim.api.nvim_win_set_cursor(0, { row + #lines, #lines[#lines] + (#lines == 1 and col or 0) })
    vim.lsp.get_client_by_id(state.client_id):exec_cmd(item.command, { bufnr = bufnr })
  end)
  return true
end

vim.lsp.inline_completion = M
