-- What the server says about itself: kept in `vim.g.wright_status`, for a status line.

local M = {}

local SENTENCES = {
  starting = 'is starting',
  ready = 'is ready',
  busy = 'is working on a suggestion',
  idle = 'is ready',
  warning = 'works with restrictions',
  error = 'does not work',
}

--- Handles `wright/status`.
function M.handler(_, params)
  local before = vim.g.wright_status or {}
  vim.g.wright_status = {
    state = params.state,
    message = params.message or '',
    model = params.model or before.model or '',
  }
  vim.api.nvim_exec_autocmds('User', { pattern = 'WrightStatus', modeline = false })
  vim.cmd.redrawstatus()
end

--- Notes that the server has ended.
function M.stopped(code)
  local message = code == 0 and '' or ('the server ended with code %d'):format(code)
  M.handler(nil, { state = code == 0 and 'idle' or 'error', message = message })
end

--- Returns a sentence about the server's state.
---@return string
function M.sentence()
  local status = vim.g.wright_status
  if not status then
    return 'Wright has not started'
  end
  local parts = { 'Wright ' .. (SENTENCES[status.state] or status.state) }
  for _, part in ipairs({ status.model, status.message }) do
    if part ~= '' then
      table.insert(parts, part)
    end
  end
  return table.concat(parts, ', ')
end

--- Returns a few characters for a status line, such as `wright ready`.
---@return string
function M.line()
  local status = vim.g.wright_status
  return status and ('wright ' .. status.state) or ''
end

return M
