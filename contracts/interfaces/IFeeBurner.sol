// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IComputeLedger} from "./IComputeLedger.sol";
import {IHEU} from "./IHEU.sol";

/// @title FeeBurner
/// @notice Sells the protocol's part of each epoch's fees for HEU, whole, at a falling price, and burns the HEU.
///         Counted from the end of the epoch: one day to gather its fees from the routers, then three days in which the
///         price falls from twice to a quarter of the median of the last eight. What nobody buys is carried.
/// @dev Nobody has a privilege in it but the upgrade. The carried lot is sold apart, once per epoch, at a price of its own,
///      and never counts as a burn of any epoch; it takes in what came late, what came unasked and what was too small.
///      What comes after a sale has opened is sold in the next one, so that it has all of its days and all of its buyers.
///      A lot that nobody bought puts its last price into the median, so that the market is found again.
interface IFeeBurner {
    /// @param amount Asset base units for sale.
    /// @param burnt HEU wei that its buyer burnt; 0 = not sold.
    struct Lot {
        uint128 amount;
        uint128 burnt;
    }

    event Gathered(address indexed router, uint32 indexed epoch, uint256 amount, bool late);
    event Sold(uint32 indexed epoch, address indexed buyer, uint256 amount, uint256 burnt, bool carried);
    event Carried(uint32 indexed epoch, uint256 amount);
    event PriceKnown(uint32 indexed epoch, uint256 price, bool sold);

    error ZeroAddress();
    error ZeroPrice();
    /// @notice Nothing is for sale now.
    error NotOpen(uint256 now_, uint256 from, uint256 until);
    error NothingForSale();
    /// @notice The price is above what the buyer would pay.
    error TooDear(uint256 cost, uint256 most);

    /// @notice 1 day.
    function GATHER_SECONDS() external view returns (uint256);
    /// @notice 3 days.
    function SALE_SECONDS() external view returns (uint256);
    /// @notice At most so many epochs of a router are gathered in one call.
    function MOST_GATHERED() external view returns (uint256);
    /// @notice A lot below this many base units of the asset is carried instead: its price would say nothing.
    function leastLot() external view returns (uint256);
    function heu() external view returns (IHEU);
    function asset() external view returns (IERC20);
    function ledger() external view returns (IComputeLedger);
    function firstEpoch() external view returns (uint32);

    /// @notice Takes in the protocol's part of what `router` settled in every epoch that is over and not gathered. The last
    ///         one makes part of its lot if it comes in time; everything else is carried, as far as this call collects it,
    ///         and what was collected before is carried as unasked. Anyone may.
    function gather(address router) external returns (uint256 amount);

    /// @notice Closes the sale of epochs whose time is over: what was not sold is carried. Anyone may; every other call does it.
    function settle() external;

    /// @notice Buys the whole lot of the last epoch. Burns the caller's HEU, out of its allowance.
    function buy(uint256 mostHeu, address to) external returns (uint256 heuBurnt, uint256 amount);

    /// @notice Buys all that is carried.
    function buyCarried(uint256 mostHeu, address to) external returns (uint256 heuBurnt, uint256 amount);

    /// @notice The lot of an epoch.
    function lotOf(uint32 epoch) external view returns (Lot memory);

    /// @notice HEU burnt for the fees of `epoch`. Never changes once the sale is over.
    function burntIn(uint32 epoch) external view returns (uint256);

    /// @notice HEU of that burn which the fees of `units` paid for, if every unit paid the protocol's own share and no more: what
    ///         emission is matched to. Calls without a frontend burn more, and calls that nobody records have no points;
    ///         if that burn counted, whoever washes would take it.
    /// @param units Base units of gross that have points.
    /// @return At most `burntIn(epoch)`.
    function burntFor(uint32 epoch, uint256 units) external view returns (uint256);

    /// @notice The protocol's own share of a unit settled in `epoch`, basis points: the least that any unit burns.
    function protocolBpsIn(uint32 epoch) external view returns (uint256);

    /// @notice Base units that are carried, or will be from the next epoch on.
    function carried() external view returns (uint256);

    /// @notice Of them, what the sale of this epoch has or had: what came after it had opened waits for the next one.
    function carriedForSale() external view returns (uint256);

    /// @notice Wei of HEU per whole unit (10^6) of the asset: median of the last eight.
    function median() external view returns (uint256);

    /// @notice The price of the lot, or of what is carried, in this second; 0 = not for sale.
    function priceNow(bool ofCarried) external view returns (uint256);

    /// @notice The protocol's part of what `router` settled in `epoch`, base units.
    function feeIn(address router, uint32 epoch) external view returns (uint256);

    /// @notice The first epoch of `router` that is not gathered.
    function openFrom(address router) external view returns (uint32);
}
